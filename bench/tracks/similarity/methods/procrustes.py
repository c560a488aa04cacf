"""Procrustes similarity.

The cosine of the angular shape distance: activations are centred, scaled to norm 1 and rotated onto each other. The
normalised Bures similarity of the Gram matrices is the same number, so it has no entry of its own.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_shapes import partly_whitened, rotation_similarity
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Williams et al. (2021), Generalized shape metrics on neural representations, NeurIPS, arXiv:2110.14739"
INVARIANT_TO = ("permutation", "rotation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 19) -> Answer:
    return judge(problem, rng, compare, orders)


def compare(features: list[np.ndarray], responses: np.ndarray) -> np.ndarray:
    regions = partly_whitened(responses, 1.0)
    return np.stack([rotation_similarity(partly_whitened(one, 1.0), regions) for one in features], axis=1)
