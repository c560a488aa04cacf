"""Permutation of contiguous blocks.

|r| against |r| with the feature cut into blocks whose order is random: what lasts less long than a block stays. Ten
blocks, or as many as the rows hold of four.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.resampling import block_permutations, correlations_under, monte_carlo_p, standardise_rows
from bench.tracks.inference.types import Answer, Problem

REFERENCE = "Winkler et al. (2014), NeuroImage 92:381-397 (exchangeability blocks)"
NEEDS = ()
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 199, blocks: int = 10) -> Answer:
    x, y = standardise_rows(problem.feature), standardise_rows(problem.response)
    length = -(-x.shape[1] // blocks)
    null = correlations_under(x, y, block_permutations(draws, x.shape[1], length, rng))
    return Answer(monte_carlo_p(np.abs((x * y).sum(axis=1)), np.abs(null)))
