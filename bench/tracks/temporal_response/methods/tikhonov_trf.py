"""Tikhonov temporal response function: kernels are smooth over lags.

argmin |Y - X k|^2 + s sum_l |k[l + 1] - k[l]|^2 (features in units of their standard deviation, kernels 0 outside their
window); the strength s of each target has the least squared error when whole groups are held out.

Departs from the mTRF toolbox in the kernel's ends, which are differences to 0 here.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.lags import select_penalised, smooth_root
from bench.tracks.temporal_response.estimation import moments_of, respond, shape, spreads, windows_of
from bench.tracks.temporal_response.types import Answer, Problem

REFERENCE = "Lalor et al. (2006), NeuroImage 32:1549-1561, doi:10.1016/j.neuroimage.2006.05.054"
INVARIANT_TO = ("scale",)


def fit(problem: Problem) -> np.ndarray:
    root = smooth_root(spreads(problem), len(problem.lags))
    return shape(problem, select_penalised(moments_of(windows_of(problem)), root))


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return respond(problem, fit, rng)
