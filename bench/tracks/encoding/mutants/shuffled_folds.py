"""Ridge whose cross-validation shuffles single samples across runs."""

from __future__ import annotations

import numpy as np

from bench.kernels.regression import predict_ridge
from bench.tracks.encoding.types import Answer, Problem

MUTANT_OF = "ridge"
TOUCHES = ("planted/linear_slow",)
METRIC = "r2"
DEFECT = "held-out samples have their neighbours in the training set, so that the penalty is chosen far too small"


def solve(problem: Problem, rng: np.random.Generator, *, folds: int = 5) -> Answer:
    shuffled = np.array_split(rng.permutation(len(problem.train_features)), folds)
    return Answer(predict_ridge(problem.train_features, problem.train_responses, problem.test_features, shuffled))
