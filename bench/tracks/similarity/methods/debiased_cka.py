"""Debiased linear centred kernel alignment.

The unbiased estimator of HSIC in numerator and denominator: 0 on average between unrelated activations, however many
units or sites there are; it may be negative.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_cka import debiased_alignment, linear_gram
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Song et al. (2012), Feature selection via dependence maximization, JMLR 13:1393-1434, eq. 5"
INVARIANT_TO = ("permutation", "rotation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 39) -> Answer:
    return judge(problem, rng, compare, orders)


def compare(features: list[np.ndarray], responses: np.ndarray) -> np.ndarray:
    return debiased_alignment(linear_gram(responses), np.stack([linear_gram(one) for one in features]))
