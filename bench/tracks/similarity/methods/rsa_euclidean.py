"""Representational similarity with squared Euclidean distances, compared by Pearson's correlation."""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_rdm import pearson, squared_euclidean
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Kriegeskorte, Mur and Bandettini (2008), Frontiers in Systems Neuroscience 2:4"
INVARIANT_TO = ("permutation", "rotation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 39) -> Answer:
    return judge(problem, rng, compare, orders)


def compare(features: list[np.ndarray], responses: np.ndarray) -> np.ndarray:
    return pearson(squared_euclidean(responses), np.stack([squared_euclidean(one) for one in features]))
