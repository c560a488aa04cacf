"""Boosting whose step is a number in the data's own units."""

from __future__ import annotations

import numpy as np

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.kernels.regression import FOLDS
from bench.tracks.temporal_response.estimation import moments_of, respond, shape, windows_of
from bench.tracks.temporal_response.types import Answer, Problem

MUTANT_OF = "boosting"
TOUCHES = ("electric/envelope_clear",)
DEFECT = "a step of .005 in volts or tesla per unit of the stimulus is far above any kernel, so that none is ever taken"


def solve(problem: Problem, rng: np.random.Generator, *, step: float = 0.005, most: int = 600) -> Answer:
    parent = load_plugin(ROOT / "bench" / "tracks" / "temporal_response" / "methods" / f"{MUTANT_OF}.py")

    def fit(some: Problem) -> np.ndarray:
        moments = moments_of(windows_of(some))
        grown = [parent.grow(moments, fold, step, most) for fold in range(FOLDS)]
        return shape(some, np.mean(grown, axis=0))

    return respond(problem, fit, rng)
