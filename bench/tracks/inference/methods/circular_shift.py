"""Circular shift of the feature.

|r| against |r| at every shift that is not near 0, the end put before the beginning: both series keep their
autocorrelation but at the seam. The shifts are not independent, and their number bounds the smallest p from below.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.resampling import monte_carlo_p, shifted_correlations, standardise_rows
from bench.tracks.inference.types import Answer, Problem

REFERENCE = "Harris (2020), A shift test for independence in generic time series, arXiv:2012.06862"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, nearest: int = 1) -> Answer:
    r = shifted_correlations(standardise_rows(problem.feature), standardise_rows(problem.response))
    return Answer(monte_carlo_p(np.abs(r[:, 0]), np.abs(r[:, nearest : r.shape[1] - nearest + 1])))
