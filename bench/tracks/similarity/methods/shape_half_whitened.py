"""Shape metric half way between canonical correlation and Procrustes.

Activations are whitened by half (alpha = .5) before they are rotated onto each other.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_shapes import partly_whitened, rotation_similarity
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Williams et al. (2021), NeurIPS, arXiv:2110.14739, eq. 10 (partial whitening)"
INVARIANT_TO = ("permutation", "rotation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 19, alpha: float = 0.5) -> Answer:
    return judge(problem, rng, lambda features, responses: compare(features, responses, alpha), orders)


def compare(features: list[np.ndarray], responses: np.ndarray, alpha: float) -> np.ndarray:
    regions = partly_whitened(responses, alpha)
    return np.stack([rotation_similarity(partly_whitened(one, alpha), regions) for one in features], axis=1)
