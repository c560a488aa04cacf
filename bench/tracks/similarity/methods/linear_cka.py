"""Linear centred kernel alignment.

The cosine of the centred Gram matrices of features and responses: biased, so that many units or sites raise it even
between unrelated ones.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_cka import alignment, linear_gram
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Kornblith et al. (2019), Similarity of neural network representations revisited, ICML, arXiv:1905.00414"
INVARIANT_TO = ("permutation", "rotation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 39) -> Answer:
    return judge(problem, rng, compare, orders)


def compare(features: list[np.ndarray], responses: np.ndarray) -> np.ndarray:
    return alignment(linear_gram(responses), np.stack([linear_gram(one) for one in features]))
