"""Lagged ridge that rolls the features over all runs end to end."""

from __future__ import annotations

import numpy as np

from bench.kernels.regression import group_folds, predict_ridge
from bench.tracks.encoding.types import Answer, Problem

MUTANT_OF = "lagged_ridge"
TOUCHES = ("planted/lagged_volts",)
DEFECT = (
    "the first samples of a run are given the last features of the run before it, and of the last run for the first"
)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, folds: int = 5) -> Answer:
    train, test = (roll(features, problem.max_lag) for features in (problem.train_features, problem.test_features))
    held = group_folds(problem.train_groups, folds)
    return Answer(predict_ridge(train, problem.train_responses, test, held))


def roll(features: np.ndarray, max_lag: int) -> np.ndarray:
    return np.concatenate([np.roll(features, lag, axis=0) for lag in range(max_lag + 1)], axis=1)
