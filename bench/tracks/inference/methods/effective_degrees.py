"""t-test of r with effective degrees of freedom.

The number of rows is divided by the factor by which two sample autocorrelations inflate the variance of r (Bartlett);
the rest is the t-test.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.resampling import correlation_p, effective_rows, standardise_rows
from bench.kernels.stationary import autocorrelation
from bench.tracks.inference.types import Answer, Problem

REFERENCE = "Bartlett (1946), JRSS Supplement 8:27-41; Pyper and Peterman (1998), CJFAS 55:2127-2140, eq. 1"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    x, y = standardise_rows(problem.feature), standardise_rows(problem.response)
    return Answer(correlation_p((x * y).sum(axis=1), effective_rows(autocorrelation(x), autocorrelation(y))))
