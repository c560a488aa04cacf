"""One-to-one matching of units with sites.

Mean correlation over the best assignment: likeness in the basis of single units, which rotations destroy.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_matching import one_to_one, unit_correlations
from bench.tracks.similarity.panel import judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Li et al. (2015), Convergent learning, arXiv:1511.07543, section 3 (bipartite matching)"
INVARIANT_TO = ("permutation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 19) -> Answer:
    return judge(problem, rng, compare, orders)


def compare(features: list[np.ndarray], responses: np.ndarray) -> np.ndarray:
    return np.array([[one_to_one(unit_correlations(one, region)) for one in features] for region in responses])
