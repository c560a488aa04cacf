"""Centred kernel alignment with Gaussian kernels.

The width is .8 of the median distance between stimuli, on each side by itself; the estimator is the biased one.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_cka import alignment, rbf_gram
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Kornblith et al. (2019), ICML, arXiv:1905.00414, section 3 (RBF kernels, width .8)"
INVARIANT_TO = ("permutation", "rotation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 39, width: float = 0.8) -> Answer:
    return judge(problem, rng, lambda features, responses: compare(features, responses, width), orders)


def compare(features: list[np.ndarray], responses: np.ndarray, width: float) -> np.ndarray:
    return alignment(rbf_gram(responses, width), np.stack([rbf_gram(one, width) for one in features]))
