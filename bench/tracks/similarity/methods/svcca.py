"""Singular vector canonical correlation (SVCCA).

Each side is cut to the principal components that hold 99 % of its variance; the score is the mean canonical
correlation between what is left.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_cca import basis, mean_correlation
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Raghu et al. (2017), SVCCA, NeurIPS, arXiv:1706.05806"
INVARIANT_TO = ("permutation", "rotation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 19, kept: float = 0.99) -> Answer:
    return judge(problem, rng, lambda features, responses: compare(features, responses, kept), orders)


def compare(features: list[np.ndarray], responses: np.ndarray, kept: float) -> np.ndarray:
    return mean_correlation([basis(one, kept) for one in responses], [basis(one, kept) for one in features])
