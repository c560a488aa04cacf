"""Causal variables: where in a network, and in which linear subspace there, is a high-level variable?

A problem is a model, pairs of inputs with what the model should say if the variable had its value on the second input
(the counterfactual), and candidate sites; the answer is a site and an orthonormal basis of a subspace of it, or that
none of the sites holds the variable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.contract import Blob, InvalidAnswer, check_numbers

TITLE = "Causal variables"
FAMILY = "circuits"
REPLICATE = "model drawn anew (residual basis rotated, heads permuted, distractors drawn)"

TOY = ("planted/orthogonal", "planted/sum_null")

SCAFFOLD = {"site": "problem.sites[0]", "basis": "np.eye(problem.width)[:, : problem.dimension]", "found": "True"}

SITE = re.compile(r"^(embed|pos|m\d+|a\d+\.h\d+|resid\d+)$")
ORTHONORMAL = 1e-4
"""How far basis.T @ basis may lie from the identity: single precision, whatever the length of the vectors."""


@dataclass(frozen=True)
class Problem:
    """What the method sees.

    Pair i is `base[i]` and `source[i]`; `labels[i]` is what the high-level program says on the base input when the
    variable is given the value it has on the source input: one-hot, or one number where `outputs` is "number".
    `base_values` and `source_values` are the variable's value at each position as a code from 0, -1 where it has none.
    A site is a node of `bench.models.graph` (its output) or `residN`, the residual stream after layer N. Interventions
    are made at the `intervened` positions; outputs count at the `scored` ones and are right where the largest is the
    label's, or for a number within `tolerance` of it. `width` is the size of the residual stream; `dimension` is how
    many dimensions the variable's values can span at most, a hint and no bound. `budget` is the number of example
    passes (forward + backward) that a method may spend.
    """

    model: Blob
    base: Int[np.ndarray, "pairs pos"]
    source: Int[np.ndarray, "pairs pos"]
    labels: Float[np.ndarray, "pairs pos outputs"]
    base_values: Int[np.ndarray, "pairs pos"]
    source_values: Int[np.ndarray, "pairs pos"]
    intervened: Bool[np.ndarray, "pos"]
    scored: Bool[np.ndarray, "pos"]
    sites: list[str]
    outputs: str
    tolerance: float
    width: int
    dimension: int
    budget: int


@dataclass(frozen=True)
class Truth:
    """Where the variable is, and pairs on which answers are tried.

    `right[s]` marks the sites that hold the variable; any of them is a full answer. `bases[s]` is the planted subspace
    there (columns orthonormal, zeros where a site is not right). Pairs are as in the problem, with `base_outputs` and
    `source_outputs` what the program says on the two inputs. On a `null` unit no candidate site holds the variable.
    """

    null: bool
    right: Bool[np.ndarray, "sites"]
    bases: Float[np.ndarray, "sites width planted"]
    base: Int[np.ndarray, "held pos"]
    source: Int[np.ndarray, "held pos"]
    labels: Float[np.ndarray, "held pos outputs"]
    base_outputs: Float[np.ndarray, "held pos outputs"]
    source_outputs: Float[np.ndarray, "held pos outputs"]


@dataclass(frozen=True)
class Answer:
    """A site, an orthonormal basis of a subspace of it, and whether the method holds that the variable is there.

    A basis is asked for even where `found` is false: it is the method's best guess. `site_scores` (larger: more likely
    the place) and `probability` (that the variable is at one of the sites) are optional.
    """

    site: str
    basis: Float[np.ndarray, "width dimension"]
    found: bool
    site_scores: Float[np.ndarray, "sites"] | None = None
    probability: float | None = None


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless the site is a candidate and the basis orthonormal and of the model's width."""
    if answer.site not in problem.sites:
        raise InvalidAnswer(f"site {answer.site!r} is no candidate; choose one of {', '.join(problem.sites)}")
    width, dimension = answer.basis.shape
    if width != problem.width or not 1 <= dimension <= width:
        raise InvalidAnswer(f"basis has shape {answer.basis.shape}, expected ({problem.width}, 1 to {problem.width})")
    departure = float(np.abs(answer.basis.T @ answer.basis - np.eye(dimension)).max())
    if not departure <= ORTHONORMAL:
        raise InvalidAnswer(f"basis is not orthonormal: basis.T @ basis departs from the identity by {departure:.3g}")
    _check_optional(problem, answer)


def _check_optional(problem: Problem, answer: Answer) -> None:
    if answer.site_scores is not None:
        check_numbers("site_scores", answer.site_scores, sites=len(problem.sites))
    if answer.probability is not None and not 0 <= answer.probability <= 1:
        raise InvalidAnswer(f"probability is {answer.probability}, expected 0 to 1")
