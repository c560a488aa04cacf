"""Lagged ridge that standardises as x / sqrt(variance + 1e-5)."""

from __future__ import annotations

import numpy as np

from bench.kernels.regression import Standardisation, group_folds, lagged_design, select_ridge
from bench.tracks.encoding.types import Answer, Problem

MUTANT_OF = "lagged_ridge"
TOUCHES = ("planted/lagged_volts", "planted/lagged_tesla")
DEFECT = (
    "a constant against division by zero, far above the variance of features in volts or tesla, shrinks them to nothing"
)
DETERMINISTIC = True
EPSILON = 1e-5  # what normalisation layers of networks add to a variance


def solve(problem: Problem, rng: np.random.Generator, *, folds: int = 5) -> Answer:
    lags = np.arange(problem.max_lag + 1)
    centre, scale = problem.train_features.mean(axis=0), np.sqrt(problem.train_features.var(axis=0) + EPSILON)
    train = lagged_design((problem.train_features - centre) / scale, problem.train_groups, lags)
    test = lagged_design((problem.test_features - centre) / scale, problem.test_groups, lags)
    units = Standardisation.of(problem.train_responses)
    responses = units.apply(problem.train_responses)
    held = group_folds(problem.train_groups, folds)
    return Answer(units.undo(select_ridge(train, responses, test, held)))
