"""Permutation of single rows.

|r| against |r| with the rows of the feature in random orders: exact where rows are exchangeable, which those of a
series are not. All data sets share the drawn orders.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.resampling import correlations_under, monte_carlo_p, permutations, standardise_rows
from bench.tracks.inference.types import Answer, Problem

REFERENCE = "Fisher (1935), The Design of Experiments, section 21; Pitman (1937), JRSS Supplement 4:225-232"
NEEDS = ()
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 199) -> Answer:
    x, y = standardise_rows(problem.feature), standardise_rows(problem.response)
    null = correlations_under(x, y, permutations(draws, x.shape[1], rng))
    return Answer(monte_carlo_p(np.abs((x * y).sum(axis=1)), np.abs(null)))
