"""Ridge temporal response function.

argmin |Y - X k|^2 + s |k|^2 over all features (in units of their standard deviation) and lags, an offset for every
group; the strength s of each target has the least squared error when whole groups are held out.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.lags import select_penalised, unit_root
from bench.tracks.temporal_response.estimation import moments_of, respond, shape, spreads, windows_of
from bench.tracks.temporal_response.types import Answer, Problem

REFERENCE = "Crosse et al. (2016), Frontiers in Human Neuroscience 10:604, doi:10.3389/fnhum.2016.00604"
INVARIANT_TO = ("scale",)


def fit(problem: Problem) -> np.ndarray:
    root = unit_root(spreads(problem), len(problem.lags))
    return shape(problem, select_penalised(moments_of(windows_of(problem)), root))


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return respond(problem, fit, rng)
