"""Ridge temporal response function whose cross-validation shuffles single samples."""

from __future__ import annotations

import numpy as np

from bench.kernels.lags import Moments, select_penalised, unit_root
from bench.tracks.temporal_response.estimation import FOLDS, respond, shape, spreads, windows_of
from bench.tracks.temporal_response.types import Answer, Problem

MUTANT_OF = "ridge_trf"
TOUCHES = ("electric/spectrogram_words", "electric/brief")
DEFECT = "held-out samples have their neighbours, and so their noise, among the fitted ones: the penalty is too weak"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    def fit(some: Problem) -> np.ndarray:
        windows = windows_of(some)
        folds = np.array_split(rng.permutation(len(windows.groups)), FOLDS)
        root = unit_root(spreads(some), len(some.lags))
        return shape(some, select_penalised(Moments.of(windows.design, windows.responses, folds), root))

    return respond(problem, fit, rng)
