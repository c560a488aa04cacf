"""Ridge temporal response function whose penalty has the least error on the samples that were fitted."""

from __future__ import annotations

import numpy as np

from bench.kernels.lags import STRENGTHS, Moments, penalised_path, unit_root
from bench.tracks.temporal_response.estimation import moments_of, respond, shape, spreads, windows_of
from bench.tracks.temporal_response.types import Answer, Problem

MUTANT_OF = "ridge_trf"
TOUCHES = ("electric/envelope_noisy", "electric/envelope_buried")
DEFECT = "the weakest penalty always fits best where it was fitted, so that there is next to none"


def fit(problem: Problem) -> np.ndarray:
    root = unit_root(spreads(problem), len(problem.lags))
    folds = moments_of(windows_of(problem))
    whole = Moments(*(part.sum(axis=0, keepdims=True) for part in (folds.gram, folds.cross, folds.power)))
    path = penalised_path(whole.gram[0], whole.cross[0], root, STRENGTHS)
    best = whole.error(0, path).argmin(axis=0)
    return shape(problem, np.take_along_axis(path, best[None, None, :], axis=0)[0])


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return respond(problem, fit, rng)
