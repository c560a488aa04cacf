"""Stacking, product measure: a ridge regression for each space, mixed by weights on the simplex.

Each space predicts held-out groups by itself; the weights of the mixture (none negative, sum 1) have the least squared
error there. The share of a space is its part of the mixture, as the product measure counts it on other held-out groups.

Departs from the paper in the measure: it divides shares by order or by subsets of spaces.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from bench.kernels.regression import group_folds
from bench.tracks.partition.fitting import INNER, Data, fit_ridge, product_answer, split
from bench.tracks.partition.types import Answer, Problem

REFERENCE = "Lin, Naselaris, Kay and Wehbe (2024), NeuroImage 298:120772 (stacked regressions); Breiman (1996)"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True
HEAVY = 1e3  # of the row that asks for a sum of 1, relative to the responses' norm


def mix(parts: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Weights of the spaces' predictions (spaces, rows): argmin |y - sum a_b p_b|, a >= 0, sum a = 1."""
    heavy = HEAVY * np.linalg.norm(observed)
    if heavy == 0:
        return np.full(len(parts), 1 / len(parts))
    found, _ = nnls(np.vstack([parts.T, np.full(len(parts), heavy)]), np.append(observed, heavy))
    return found


def alone(data: Data) -> np.ndarray:
    """Ridge weights of each space by itself, (features, targets)."""
    return np.sum([fit_ridge(data, chosen) for chosen in np.eye(data.count, dtype=bool)], axis=0)


def fit(data: Data) -> np.ndarray:
    parts = np.empty((data.count, *data.responses.shape))
    for held in group_folds(data.groups, INNER):
        kept = np.setdiff1d(np.arange(len(data.groups)), held)
        inner = Data(data.features[kept], data.responses[kept], data.groups[kept], data.spaces)
        parts[:, held] = split(data.features[held], alone(inner), data.spaces)
    shares = np.stack([mix(parts[:, :, t], data.responses[:, t]) for t in range(parts.shape[2])], axis=1)
    return alone(data) * shares[data.spaces]


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return product_answer(problem, fit)
