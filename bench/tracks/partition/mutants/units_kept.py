"""Concatenated ridge on features in their own units."""

from __future__ import annotations

import numpy as np

from bench.kernels.regression import Standardisation, group_folds
from bench.kernels.shares import product_shares
from bench.tracks.partition.fitting import OUTER, Data, fit_ridge, split
from bench.tracks.partition.types import Answer, Problem

MUTANT_OF = "concatenated_ridge"
TOUCHES = ("mixtures/unequal",)
DEFECT = "the penalty is a constant in the units of the features, so that a space in small units is shrunk to nothing"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    def fitted(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, Standardisation]:
        centre, units = problem.features[rows].mean(axis=0), Standardisation.of(problem.responses[rows])
        x, y = problem.features[rows] - centre, units.apply(problem.responses[rows])
        return fit_ridge(Data(x, y, problem.groups[rows], problem.spaces)), centre, units

    parts = np.empty((int(problem.spaces.max()) + 1, *problem.responses.shape))
    observed = np.empty_like(problem.responses)
    for held in group_folds(problem.groups, OUTER):
        weights, centre, units = fitted(np.setdiff1d(np.arange(len(problem.groups)), held))
        parts[:, held] = split(problem.features[held] - centre, weights, problem.spaces)
        observed[held] = units.apply(problem.responses[held])
    weights, centre, units = fitted(np.arange(len(problem.groups)))
    predictions = units.undo((problem.test_features - centre) @ weights)
    return Answer(product_shares(parts, observed), "product", predictions)
