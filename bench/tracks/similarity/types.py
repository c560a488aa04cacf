"""Similarity: which of several candidates drives a brain region, told by the likeness of their responses?

A problem is the activations of candidates (layers, whole networks, nodes of a transformer) and the responses of several
regions to the same stimuli; the answer says how alike every region and every candidate are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.contract import InvalidAnswer

TITLE = "Similarity"
FAMILY = "brain"
REPLICATE = "network and brain drawn anew (weights, which units are recorded, mixtures, noise, stimuli)"

TOY = ("layer_identification/linear_1", "layer_identification/null_white")

SCAFFOLD = {
    "scores": "rng.normal(size=(len(problem.responses), len(problem.candidates)))",
    "p": "None",
    "probability": "None",
}


@dataclass(frozen=True)
class Problem:
    """What the method sees.

    Column j of `features` is a unit of candidate `owner[j]`; candidates are in no order. Every region has the same
    number of sites and repeats. Stimuli were shown in the order of the rows, the same in each repeat, in contiguous
    `runs` of one length; noise may last from one stimulus to the next, not from one run to the next. Responses have no
    unit of measurement.
    """

    candidates: list[str]
    features: Float[np.ndarray, "stimuli columns"]
    owner: Int[np.ndarray, "columns"]
    responses: Float[np.ndarray, "regions repeats stimuli sites"]
    runs: Int[np.ndarray, "stimuli"]


@dataclass(frozen=True)
class Truth:
    """Which candidates are equally right for each region; on a `null` unit none is.

    `depth` is the place of each candidate along the network where it has one (layer of layers), else empty: `ordered`
    says which.
    """

    null: bool
    sources: Bool[np.ndarray, "regions candidates"]
    ordered: bool
    depth: Float[np.ndarray, "candidates"]


@dataclass(frozen=True)
class Answer:
    """How alike every region and candidate are (larger is more alike; any unit), and how sure that is.

    `p` is the probability of a best score as high as the region's if no candidate has to do with it; a region counts as
    explained where it is at most .05, and every region does where there is none. `probability` is that of each
    candidate to be the source.
    """

    scores: Float[np.ndarray, "regions candidates"]
    p: Float[np.ndarray, "regions"] | None
    probability: Float[np.ndarray, "regions candidates"] | None


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless there is a finite score for every region and candidate, and stated odds are odds."""
    expected = (len(problem.responses), len(problem.candidates))
    if answer.scores.shape != expected:
        raise InvalidAnswer(
            f"answer has scores of shape {answer.scores.shape}, problem has regions x candidates {expected}"
        )
    if not np.isfinite(answer.scores).all():
        raise InvalidAnswer(f"answer has {int((~np.isfinite(answer.scores)).sum())} scores that are not finite numbers")
    if answer.p is not None and (answer.p.shape != expected[:1] or not ((answer.p >= 0) & (answer.p <= 1)).all()):
        raise InvalidAnswer(f"answer needs one p between 0 and 1 for each of {expected[0]} regions")
    stated = answer.probability
    if stated is not None and (
        stated.shape != expected or not np.allclose(stated.sum(axis=1), 1) or (stated < 0).any()
    ):
        raise InvalidAnswer(f"answer's probabilities must be {expected}, at least 0, and sum to 1 for each region")
