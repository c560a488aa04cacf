"""Effective degrees of freedom with each lag counted once."""

from __future__ import annotations

import numpy as np

from bench.kernels.resampling import correlation_p, effective_rows, standardise_rows
from bench.kernels.stationary import autocorrelation
from bench.tracks.inference.types import Answer, Problem

MUTANT_OF = "effective_degrees"
TOUCHES = ("series/slower_null",)
METRIC = "false_positives_05"
DEFECT = "lags of one sign alone enter the variance of r, so that half of its inflation is missed"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    x, y = standardise_rows(problem.feature), standardise_rows(problem.response)
    rows = x.shape[1]
    whole = effective_rows(autocorrelation(x), autocorrelation(y))
    half = rows / ((1 + rows / whole) / 2)  # n / (1 + s) from n / (1 + 2 s)
    return Answer(correlation_p((x * y).sum(axis=1), half))
