"""Ridge temporal response function whose lags are counted from one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.kernels.lags import select_penalised, unit_root
from bench.tracks.temporal_response.estimation import moments_of, respond, shape, spreads, windows_of
from bench.tracks.temporal_response.types import Answer, Problem

MUTANT_OF = "ridge_trf"
TOUCHES = ("electric/envelope_clear", "electric/words")
DEFECT = "the first lag of the design is one sample later than the first lag of the answer"


def fit(problem: Problem) -> np.ndarray:
    root = unit_root(spreads(problem), len(problem.lags))
    late = replace(problem, lags=problem.lags + 1)
    return shape(problem, select_penalised(moments_of(windows_of(late)), root))


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return respond(problem, fit, rng)
