"""Cross-validated partial least squares from features to responses (SIMPLS).

Held-out correlation, mean over sites, with whole runs held out and the best of 1 to 8 components. p comes from
responses in other orders of the runs beside the same predictions; the fits are not repeated.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.regression import Standardisation, group_folds
from bench.kernels.similarity_prediction import fold_correlation, simpls
from bench.tracks.similarity.panel import averaged, features_of, judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "de Jong (1993), SIMPLS, Chemometrics and Intelligent Laboratory Systems 18:251-263"
INVARIANT_TO = ("permutation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 39, components: int = 8) -> Answer:
    folds, responses = group_folds(problem.runs), averaged(problem)
    predicted = [held_out(one, responses, folds, components) for one in features_of(problem)]
    return judge(problem, rng, lambda _, moved: compare(predicted, moved, folds), orders)


def held_out(features: np.ndarray, responses: np.ndarray, folds: list[np.ndarray], components: int) -> np.ndarray:
    """Predictions `components regions stimuli sites`, each stimulus by the folds that do not hold it."""
    found = np.empty((components, *responses.shape))
    for held in folds:
        kept = np.setdiff1d(np.arange(len(features)), held)
        scaling = Standardisation.of(features[kept])
        centred = responses[:, kept] - responses[:, kept].mean(axis=1, keepdims=True)
        found[:, :, held] = simpls(scaling.apply(features[kept]), centred, scaling.apply(features[held]), components)
    return found


def compare(predicted: list[np.ndarray], responses: np.ndarray, folds: list[np.ndarray]) -> np.ndarray:
    regions, stimuli, sites = responses.shape
    together = np.swapaxes(responses, 0, 1).reshape(stimuli, regions * sites)
    found = []
    for one in predicted:
        flat = np.swapaxes(one, 1, 2).reshape(len(one), stimuli, regions * sites)
        r = fold_correlation(flat, together, folds).reshape(-1, regions, sites)
        found.append(r.mean(axis=2).max(axis=0))
    return np.stack(found, axis=1)
