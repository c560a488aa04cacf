"""Two-sided permutation test on sums of products that are not centred."""

from __future__ import annotations

import numpy as np

from bench.kernels.resampling import correlations_under, monte_carlo_p, permutations
from bench.tracks.inference.types import Answer, Problem

MUTANT_OF = "permutation"
TOUCHES = ("series/events",)
DEFECT = "the null of the raw sum lies about n times both means, so that its absolute value says nothing of one side"


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 199) -> Answer:
    x, y = problem.feature, problem.response
    null = correlations_under(x, y, permutations(draws, x.shape[1], rng))
    return Answer(monte_carlo_p(np.abs((x * y).sum(axis=1)), np.abs(null)))
