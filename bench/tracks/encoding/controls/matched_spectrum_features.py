"""Ridge regression on features whose phases were drawn anew.

Each feature keeps its power spectrum in each group and loses its timing: Fourier phases are uniform at random. Features
of one group share the drawn phases, so that their correlations with each other are kept as well.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.regression import group_folds, predict_ridge
from bench.tracks.encoding.types import Answer, Problem

ROLE = "floor"
REFERENCE = "Prichard and Theiler (1994), Physical Review Letters 73:951-954, doi:10.1103/PhysRevLett.73.951"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    train = randomise_phases(problem.train_features, problem.train_groups, rng)
    test = randomise_phases(problem.test_features, problem.test_groups, rng)
    return Answer(predict_ridge(train, problem.train_responses, test, group_folds(problem.train_groups)))


def randomise_phases(features: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Features with the same spectra and cross-spectra in each group and new phases; the group's mean stays."""
    surrogate = np.empty_like(features, dtype=float)
    for group in np.unique(groups):
        rows = groups == group
        spectrum = np.fft.rfft(features[rows], axis=0)
        turn = np.exp(2j * np.pi * rng.random(len(spectrum)))
        turn[0] = 1.0  # the mean has no phase
        surrogate[rows] = np.fft.irfft(spectrum * turn[:, None], n=int(rows.sum()), axis=0)
    return surrogate
