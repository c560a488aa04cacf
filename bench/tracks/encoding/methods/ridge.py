"""Ridge regression, one cross-validated penalty a target.

Features as they are, without delays, standardised by the training rows. The penalty of each target has the least
squared error when whole groups (runs, stories, trials) are held out.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.regression import group_folds, predict_ridge
from bench.tracks.encoding.types import Answer, Problem

REFERENCE = "Hoerl and Kennard (1970), Technometrics 12:55-67, doi:10.1080/00401706.1970.10488634"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, folds: int = 5) -> Answer:
    held = group_folds(problem.train_groups, folds)
    return Answer(predict_ridge(problem.train_features, problem.train_responses, problem.test_features, held))
