"""Projection-weighted canonical correlation (PWCCA).

Canonical correlations are weighted by how much of the region's responses their directions carry; symmetric it is not.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_cca import basis, projection_weighted
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Morcos, Raghu and Bengio (2018), NeurIPS, arXiv:1806.05759, eq. 3-4"
INVARIANT_TO = ("permutation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 19) -> Answer:
    return judge(problem, rng, compare, orders)


def compare(features: list[np.ndarray], responses: np.ndarray) -> np.ndarray:
    regions = list(responses)
    return projection_weighted(regions, [basis(one) for one in regions], [basis(one) for one in features])
