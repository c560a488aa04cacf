"""Ridge temporal response function whose lagged stimuli wrap around the recording."""

from __future__ import annotations

import numpy as np

from bench.kernels.lags import centre_groups, select_penalised, unit_root
from bench.tracks.temporal_response.estimation import Windows, moments_of, respond, shape, spreads
from bench.tracks.temporal_response.types import Answer, Problem

MUTANT_OF = "ridge_trf"
TOUCHES = ("electric/short_trials",)
METRIC = "kernel_error"
DEFECT = "np.roll brings the end of one trial before the beginning of the next, and the last one's before the first"


def fit(problem: Problem) -> np.ndarray:
    rolled = np.stack([np.roll(problem.stimuli, lag, axis=0) for lag in problem.lags], axis=2)
    design = centre_groups(rolled.reshape(len(rolled), -1), problem.groups)
    windows = Windows(design, centre_groups(problem.responses, problem.groups), problem.groups)
    root = unit_root(spreads(problem), len(problem.lags))
    return shape(problem, select_penalised(moments_of(windows), root))


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return respond(problem, fit, rng)
