"""Canonical correlation that whitens with the transpose of the Cholesky factor."""

from __future__ import annotations

import numpy as np

from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

MUTANT_OF = "cca"
TOUCHES = ("layer_identification/linear_0", "layer_identification/linear_1")
DEFECT = "columns are multiplied by L^-1 instead of its transpose, which leaves them correlated"


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 19) -> Answer:
    return judge(problem, rng, compare, orders)


def compare(features: list[np.ndarray], responses: np.ndarray) -> np.ndarray:
    regions = [whitened(one) for one in responses]
    return np.array([[shared(one, whitened(other)) for other in features] for one in regions])


def shared(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.square(one.T @ other).sum() / min(one.shape[1], other.shape[1]))


def whitened(columns: np.ndarray) -> np.ndarray:
    centred = columns - columns.mean(axis=0)
    centred = centred[:, centred.any(axis=0)]
    covariance = centred.T @ centred
    ridge = 1e-9 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    return centred @ np.linalg.inv(np.linalg.cholesky(covariance + ridge))
