"""Soft matching of units with sites.

Correlation under the best transport with uniform marginals: one-to-one matching for unequal numbers of units.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_matching import soft_matching, unit_correlations
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Khosla and Williams (2024), Soft matching distance, UniReps, arXiv:2311.09466"
INVARIANT_TO = ("permutation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 19) -> Answer:
    return judge(problem, rng, compare, orders)


def compare(features: list[np.ndarray], responses: np.ndarray) -> np.ndarray:
    return np.array([[soft_matching(unit_correlations(one, region)) for one in features] for region in responses])
