"""Ordinary least squares on lagged stimuli: deconvolution without a penalty.

argmin |Y - X k|^2 over all features and lags at once, an offset for every group; of equally good kernels the one of
least norm (features in units of their standard deviation).
"""

from __future__ import annotations

import numpy as np

from bench.tracks.temporal_response.estimation import moments_of, respond, shape, spreads, windows_of
from bench.tracks.temporal_response.types import Answer, Problem

REFERENCE = "Dale (1999), Human Brain Mapping 8:109-114 (deconvolution of overlapping responses)"
INVARIANT_TO = ("scale",)


def fit(problem: Problem) -> np.ndarray:
    moments = moments_of(windows_of(problem), folds=2)
    unit = np.repeat(1 / spreads(problem), len(problem.lags))
    gram = moments.gram.sum(axis=0) * unit * unit[:, None]
    inverse = np.linalg.pinv(gram, rcond=1e-12, hermitian=True)
    return shape(problem, unit[:, None] * (inverse @ (unit[:, None] * moments.cross.sum(axis=0))))


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return respond(problem, fit, rng)
