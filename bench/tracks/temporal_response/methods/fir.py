"""Finite impulse response model with drifts and prewhitening.

Least squares on every lag, as for events in fMRI: slow cosines (periods above 128 s) and an offset for every group are
taken out, the residuals give an autoregressive model of the noise, and design and responses filtered by it are fitted
again. One model of the noise serves all targets.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.temporal_response.estimation import respond, shape, spreads
from bench.tracks.temporal_response.prewhitening import fit_prewhitened
from bench.tracks.temporal_response.types import Answer, Problem

REFERENCE = "Dale (1999), Human Brain Mapping 8:109-114; Woolrich et al. (2001), NeuroImage 14:1370-1386 (prewhitening)"
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, order: int = 4) -> Answer:
    def fit(some: Problem) -> np.ndarray:
        unit = np.repeat(1 / spreads(some), len(some.lags))
        return shape(some, fit_prewhitened(some, np.diag(unit), order))

    return respond(problem, fit, rng)
