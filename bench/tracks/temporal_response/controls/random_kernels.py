"""Random smooth kernels: noise through a Gaussian window of two samples, and p-values drawn at random."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from bench.tracks.temporal_response.types import Answer, Problem

ROLE = "floor"


def solve(problem: Problem, rng: np.random.Generator, *, width: float = 2.0) -> Answer:
    features, targets = problem.stimuli.shape[1], problem.responses.shape[1]
    noise = gaussian_filter1d(rng.normal(size=(features, len(problem.lags), targets)), width, axis=1, mode="constant")
    units = problem.responses.std(axis=0) / problem.stimuli.std(axis=0)[:, None, None]
    return Answer(noise * units, rng.random(size=problem.responses.shape[1:]))
