"""Canonical correlation, mean square.

Sum of squared canonical correlations over the smaller rank (R^2 of CCA): what is shared after any invertible linear
map. Between unrelated activations it is max(units, sites) / (stimuli - 1).
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_cca import basis, mean_squared_correlation
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Hotelling (1936), Relations between two sets of variates, Biometrika 28:321-377"
INVARIANT_TO = ("permutation", "rotation", "scale", "translation", "invertible")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 39) -> Answer:
    return judge(problem, rng, compare, orders)


def compare(features: list[np.ndarray], responses: np.ndarray) -> np.ndarray:
    return mean_squared_correlation([basis(one) for one in responses], [basis(one) for one in features])
