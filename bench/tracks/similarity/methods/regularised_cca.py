"""Regularised canonical correlation, mean square.

Ridge whitening on both sides: a tenth of the mean variance is added to every direction before it is scaled to one, so
that directions of noise count for less than in plain canonical correlation.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_cca import ridge_whitened
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Vinod (1976), Canonical ridge and econometrics of joint production, Journal of Econometrics 4:147-166"
INVARIANT_TO = ("permutation", "rotation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 39, penalty: float = 0.1) -> Answer:
    return judge(problem, rng, lambda features, responses: compare(features, responses, penalty), orders)


def compare(features: list[np.ndarray], responses: np.ndarray, penalty: float) -> np.ndarray:
    regions = np.stack([ridge_whitened(one, penalty) for one in responses])
    found = []
    for one in features:
        shared = ridge_whitened(one, penalty).T @ regions
        found.append(np.square(shared).sum(axis=(1, 2)) / min(shared.shape[1:]))
    return np.stack(found, axis=1)
