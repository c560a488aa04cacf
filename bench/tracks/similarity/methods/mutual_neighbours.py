"""Mutual nearest neighbours.

The share of each stimulus's 10 nearest neighbours that features and responses have in common.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_cka import squared_distances
from bench.kernels.similarity_matching import neighbours, shared_neighbours
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Huh et al. (2024), The platonic representation hypothesis, ICML, arXiv:2405.07987, eq. 11"
INVARIANT_TO = ("permutation", "rotation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 39, count: int = 10) -> Answer:
    return judge(problem, rng, lambda features, responses: compare(features, responses, count), orders)


def compare(features: list[np.ndarray], responses: np.ndarray, count: int) -> np.ndarray:
    others = np.stack([neighbours(squared_distances(one), count) for one in features])
    return shared_neighbours(neighbours(squared_distances(responses), count), others)
