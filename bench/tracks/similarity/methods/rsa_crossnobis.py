"""Representational similarity with crossnobis distances, compared by cosine.

Distances of the region are products of differences in one repeat with those in another, in the metric of the noise that
repeats show; candidates have no noise, and their distances are squared Euclidean.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_rdm import cosine, crossnobis, noise_precision, squared_euclidean
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Walther et al. (2016), Reliability of dissimilarity measures, NeuroImage 137:188-200, eq. 8"
INVARIANT_TO = ("permutation", "rotation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 39) -> Answer:
    precisions = np.stack([noise_precision(one) for one in problem.responses])
    return judge(
        problem, rng, lambda features, repeats: compare(features, repeats, precisions), orders,
        responses=problem.responses,
    )  # fmt: skip


def compare(features: list[np.ndarray], repeats: np.ndarray, precisions: np.ndarray) -> np.ndarray:
    return cosine(crossnobis(repeats, precisions), np.stack([squared_euclidean(one) for one in features]))
