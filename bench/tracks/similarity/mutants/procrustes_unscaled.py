"""Procrustes similarity of activations as they are scaled."""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_shapes import rotation_similarity
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

MUTANT_OF = "procrustes"
TOUCHES = ("layer_identification/linear_0", "layer_identification/linear_1")
DEFECT = "norms are left in, so that the layer with the largest activations is like everything"


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 19) -> Answer:
    return judge(problem, rng, compare, orders)


def compare(features: list[np.ndarray], responses: np.ndarray) -> np.ndarray:
    regions = responses - responses.mean(axis=1, keepdims=True)
    return np.stack([rotation_similarity(one - one.mean(axis=0), regions) for one in features], axis=1)
