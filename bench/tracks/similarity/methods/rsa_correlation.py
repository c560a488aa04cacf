"""Representational similarity with correlation distances, compared by rank correlation.

Patterns are correlated over units as they are, so that a shift of single units changes the result.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_rdm import correlation_distance, spearman
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Kriegeskorte, Mur and Bandettini (2008), Frontiers in Systems Neuroscience 2:4"
INVARIANT_TO = ("permutation", "scale")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 19) -> Answer:
    return judge(problem, rng, compare, orders)


def compare(features: list[np.ndarray], responses: np.ndarray) -> np.ndarray:
    return spearman(correlation_distance(responses), np.stack([correlation_distance(one) for one in features]))
