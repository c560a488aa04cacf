"""Prewhitening of first order.

Least squares, the lag-1 autocorrelation of its residuals, both series filtered by it, and the t-test of what is left
(Cochrane and Orcutt, one step). Exact in the limit for noise of first order, wrong for any other.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.resampling import correlation_p, standardise_rows
from bench.kernels.stationary import autocorrelation, prewhiten, yule_walker
from bench.tracks.inference.types import Answer, Problem

REFERENCE = "Cochrane and Orcutt (1949), Journal of the American Statistical Association 44:32-61"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, order: int = 1) -> Answer:
    x, y = standardise_rows(problem.feature), standardise_rows(problem.response)
    residual = y - (x * y).sum(axis=1, keepdims=True) * x
    filters = yule_walker(autocorrelation(residual), order)
    x, y = (standardise_rows(prewhiten(series, filters)) for series in (x, y))
    return Answer(correlation_p((x * y).sum(axis=1), problem.feature.shape[1] - order))
