"""Cross-correlation: each stimulus with each response, lag by lag.

k[f, l] = cov(x_f(t - l), y(t)) / var(x_f), one feature at a time: right for stimuli that are white and unrelated, and
otherwise smeared by their autocorrelation and mixed by their correlation. It inverts nothing and magnifies no noise.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.temporal_response.estimation import moments_of, respond, shape, spreads, windows_of
from bench.tracks.temporal_response.types import Answer, Problem

REFERENCE = "Lalor et al. (2006), NeuroImage 32:1549-1561, doi:10.1016/j.neuroimage.2006.05.054"
INVARIANT_TO = ("scale",)


def fit(problem: Problem) -> np.ndarray:
    moments = moments_of(windows := windows_of(problem), folds=2)
    variance = np.repeat(np.square(spreads(problem)), len(problem.lags))[:, None]
    return shape(problem, moments.cross.sum(axis=0) / variance / len(windows.groups))


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return respond(problem, fit, rng)
