"""Linear CKA of Gram matrices that are not centred."""

from __future__ import annotations

import numpy as np

from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

MUTANT_OF = "linear_cka"
TOUCHES = ("layer_identification/linear_0", "layer_identification/linear_1")
DEFECT = "the mean response of rectified units is left in, and outweighs how stimuli differ"


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 19) -> Answer:
    return judge(problem, rng, compare, orders)


def compare(features: list[np.ndarray], responses: np.ndarray) -> np.ndarray:
    return unit_grams(list(responses)) @ unit_grams(features).T


def unit_grams(activations: list[np.ndarray]) -> np.ndarray:
    grams = np.stack([(one @ one.T).ravel() for one in activations])
    return grams / np.linalg.norm(grams, axis=1, keepdims=True)
