"""t-test of Pearson's r.

t = r sqrt((n - 2) / (1 - r^2)) with n - 2 degrees of freedom: exact for independent Gaussian rows, and blind to
autocorrelation.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.resampling import correlation_p, standardise_rows
from bench.tracks.inference.types import Answer, Problem

REFERENCE = "Student (1908), Biometrika 6:302-310; Fisher (1915), Biometrika 10:507-521"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    r = (standardise_rows(problem.feature) * standardise_rows(problem.response)).sum(axis=1)
    return Answer(correlation_p(r, problem.feature.shape[1]))
