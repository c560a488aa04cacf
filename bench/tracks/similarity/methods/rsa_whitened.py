"""Representational similarity with crossnobis distances, compared by whitened cosine.

Estimated distances of stimulus pairs that share a stimulus err together; the whitened cosine takes that into account.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_rdm import crossnobis, noise_precision, squared_euclidean, whitened_cosine
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Diedrichsen et al. (2020), Comparing representational geometries, arXiv:2007.02789, eq. 18"
INVARIANT_TO = ("permutation", "rotation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 39) -> Answer:
    precisions = np.stack([noise_precision(one) for one in problem.responses])
    return judge(
        problem, rng, lambda features, repeats: compare(features, repeats, precisions), orders,
        responses=problem.responses,
    )  # fmt: skip


def compare(features: list[np.ndarray], repeats: np.ndarray, precisions: np.ndarray) -> np.ndarray:
    return whitened_cosine(crossnobis(repeats, precisions), np.stack([squared_euclidean(one) for one in features]))
