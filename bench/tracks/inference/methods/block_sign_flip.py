"""Random signs of blocks.

The sum over rows of the product of both (centred) series against the same with a random sign for each of ten
contiguous blocks: exact where the products of different blocks are independent and symmetric about 0.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.resampling import monte_carlo_p, sign_flips, standardise_rows
from bench.tracks.inference.types import Answer, Problem

REFERENCE = "Winkler et al. (2014), NeuroImage 92:381-397 (sign flips of whole blocks)"
NEEDS = ()
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 199, blocks: int = 10) -> Answer:
    product = standardise_rows(problem.feature) * standardise_rows(problem.response)
    starts = np.linspace(0, product.shape[1], blocks, endpoint=False).astype(int)
    sums = np.add.reduceat(product, starts, axis=1)
    null = sums @ sign_flips(draws, blocks, rng).T
    return Answer(monte_carlo_p(np.abs(sums.sum(axis=1)), np.abs(null)))
