"""Lagged ridge whose predictions come one sample late."""

from __future__ import annotations

import numpy as np

from bench.kernels.regression import Standardisation, group_folds, lagged_design, predict_ridge
from bench.tracks.encoding.types import Answer, Problem

MUTANT_OF = "lagged_ridge"
TOUCHES = ("planted/lagged_volts", "planted/lagged_tesla")
DEFECT = "the lags of the test features begin at one sample where those of the training features begin at zero"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, folds: int = 5) -> Answer:
    lags = np.arange(problem.max_lag + 1)
    scaling = Standardisation.of(problem.train_features)
    train = lagged_design(scaling.apply(problem.train_features), problem.train_groups, lags)
    test = lagged_design(scaling.apply(problem.test_features), problem.test_groups, lags + 1)
    held = group_folds(problem.train_groups, folds)
    return Answer(predict_ridge(train, problem.train_responses, test, held))
