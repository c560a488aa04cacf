"""Ridge regression on smooth noise in place of the features.

As many autoregressive time courses as there are features, each with the lag-1 autocorrelation of its feature. They
know nothing; they predict under shuffled cross-validation, where neighbours of a test sample train, and not here.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from bench.kernels.regression import Standardisation, group_folds, predict_ridge
from bench.tracks.encoding.types import Answer, Problem

ROLE = "floor"
REFERENCE = "Feghhi, Hadidi, Song, Blank and Kao (2024), What are large language models mapping to in the brain?"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    standard = Standardisation.of(problem.train_features).apply(problem.train_features)
    same_run = np.diff(problem.train_groups) == 0
    memory = np.clip((standard[1:] * standard[:-1])[same_run].mean(axis=0), -0.99, 0.99)
    train, test = (smooth_noise(len(rows), memory, rng) for rows in (problem.train_features, problem.test_features))
    return Answer(predict_ridge(train, problem.train_responses, test, group_folds(problem.train_groups)))


def smooth_noise(rows: int, memory: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Autoregressive time courses with the given lag-1 autocorrelations."""
    noise = rng.normal(size=(rows, len(memory)))
    return np.stack([lfilter([1.0], [1.0, -one], column) for one, column in zip(memory, noise.T, strict=True)], axis=1)
