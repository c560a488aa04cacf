"""What methods share: where activations are read, how sure one may be of a latent, and how an answer is made."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.sparse import csr_array

from bench.kernels.inclusion import inclusion_parents
from bench.kernels.sphericity import direction_p_values
from bench.tracks.features.types import Answer, Problem

Rows = Float[np.ndarray, "samples width"]
Directions = Float[np.ndarray, "latents width"]


def standardised(problem: Problem) -> tuple[Rows, Rows, Rows, float]:
    """Training and test activations in float64, centred on the training mean, with mean square length 1.

    Also that mean and the length that they were divided by. All training activations are read here and nowhere else.
    """
    activations = np.asarray(problem.activations, np.float64)
    centre = activations.mean(axis=0)
    scale = float(np.sqrt(np.square(activations - centre).sum(axis=1).mean())) or 1.0
    return (activations - centre) / scale, (problem.test - centre) / scale, centre, scale


def confidence(held_out: Rows, directions: Directions) -> Float[np.ndarray, "latents"]:
    """1 - p, with p the chance of such values along a latent's direction if no direction were special, times the
    number of latents tried (Bonferroni). Of values that the directions were not fitted to
    (`bench.kernels.sphericity`)."""
    return 1 - np.minimum(1.0, len(directions) * direction_p_values(held_out, directions))


def dictionary_answer(
    problem: Problem,
    directions: Directions,
    codes: Float[np.ndarray, "tests latents"],
    *,
    offset: Float[np.ndarray, "width"] | None = None,
    sure: Float[np.ndarray, "latents"] | None = None,
) -> Answer:
    """An answer in the problem's unit from a dictionary of the standardised activations; `offset` is theirs too.

    Parents are read off the codes: a latent's parent fires wherever it does (`bench.kernels.inclusion`).
    """
    _, test, centre, scale = standardised(problem)
    sure = confidence(test, directions) if sure is None else sure
    return Answer(
        directions=np.asarray(directions, np.float32),
        confidence=np.asarray(sure, np.float32),
        codes=csr_array(np.asarray(codes * scale, np.float32)),
        offset=np.asarray(centre if offset is None else centre + offset * scale, np.float32),
        parents=inclusion_parents(codes != 0),
    )
