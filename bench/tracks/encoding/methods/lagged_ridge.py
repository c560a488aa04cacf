"""Time-delayed ridge regression (temporal response function).

Every feature at every lag from 0 to `max_lag` samples, with its training mean before a group begins; one ridge penalty
a target, chosen on held-out groups. Without lags (`max_lag` 0) it is plain ridge regression.

Departs from the mTRF toolbox in standardising features and responses and in a penalty per target.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.regression import Standardisation, group_folds, lagged_design, predict_ridge
from bench.tracks.encoding.types import Answer, Problem

REFERENCE = "Crosse et al. (2016), Frontiers in Human Neuroscience 10:604, doi:10.3389/fnhum.2016.00604"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, folds: int = 5) -> Answer:
    lags = np.arange(problem.max_lag + 1)
    scaling = Standardisation.of(problem.train_features)
    train = lagged_design(scaling.apply(problem.train_features), problem.train_groups, lags)
    test = lagged_design(scaling.apply(problem.test_features), problem.test_groups, lags)
    held = group_folds(problem.train_groups, folds)
    return Answer(predict_ridge(train, problem.train_responses, test, held))
