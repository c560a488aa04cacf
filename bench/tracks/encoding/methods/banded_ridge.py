"""Banded ridge regression: a penalty of its own for every feature space.

The bands are standardised, divided by the root of their number of features and weighted; weights on the simplex are
searched at random, and each target takes the weights and the overall penalty of least squared error on held-out
groups. Lags up to `max_lag` stand in the band of their feature. Solved by himalaya, in the space of features or of
samples, whichever is smaller.
"""

from __future__ import annotations

import numpy as np
from himalaya.kernel_ridge import predict_weighted_kernel_ridge, solve_multiple_kernel_ridge_random_search
from himalaya.ridge import solve_group_ridge_random_search
from sklearn.model_selection import PredefinedSplit

from bench.kernels.regression import PENALTIES, Standardisation, group_folds, lagged_design
from bench.tracks.encoding.types import Answer, Problem

REFERENCE = (
    "Nunez-Elizalde, Huth and Gallant (2019), NeuroImage 197:482-492, doi:10.1016/j.neuroimage.2019.04.012; solver: "
    "Dupre la Tour et al. (2022), NeuroImage 264:119728, doi:10.1016/j.neuroimage.2022.119728"
)
INVARIANT_TO = ("scale",)
SMALLEST = 1e-6  # weight of a band; himalaya takes its logarithm


def solve(problem: Problem, rng: np.random.Generator, *, searches: int = 12, folds: int = 3) -> Answer:
    lags = np.arange(problem.max_lag + 1)
    train = lagged_design(problem.train_features, problem.train_groups, lags)
    test = lagged_design(problem.test_features, problem.test_groups, lags)
    scaling, units = Standardisation.of(train), Standardisation.of(problem.train_responses)
    bands = np.tile(problem.bands, len(lags))
    fitted, others = split_bands(scaling.apply(train), bands), split_bands(scaling.apply(test), bands)
    weights = draw_weights(len(fitted), searches, rng)
    predict = in_features if train.shape[1] < len(train) else in_samples
    found = predict(fitted, units.apply(problem.train_responses), others, weights, split(problem, folds))
    return Answer(units.undo(found))


def split_bands(features: np.ndarray, bands: np.ndarray) -> list[np.ndarray]:
    """One array a band, each of variance 1 in all, so that a weight does not depend on the band's size."""
    columns = [bands == band for band in np.unique(bands)]
    return [features[:, one] / np.sqrt(one.sum()) for one in columns]


def draw_weights(bands: int, searches: int, rng: np.random.Generator) -> np.ndarray:
    """Equal weights, each band nearly alone, and draws from flat and from sparse Dirichlet distributions."""
    if bands == 1:
        return np.ones((1, 1))
    fixed = np.concatenate([np.ones((1, bands)), np.eye(bands)])
    rest = max(searches - len(fixed), 2)
    drawn = [rng.dirichlet(np.full(bands, (0.1, 1.0)[number % 2])) for number in range(rest)]
    weights = np.maximum(np.concatenate([fixed / fixed.sum(axis=1, keepdims=True), drawn]), SMALLEST)
    return weights / weights.sum(axis=1, keepdims=True)


def split(problem: Problem, folds: int) -> PredefinedSplit:
    fold = np.empty(len(problem.train_groups), dtype=int)
    for number, held in enumerate(group_folds(problem.train_groups, folds)):
        fold[held] = number
    return PredefinedSplit(fold)


def options(train: list[np.ndarray], weights: np.ndarray, cv: PredefinedSplit) -> dict[str, object]:
    features = sum(band.shape[1] for band in train)
    penalties = PENALTIES[::2] * len(train[0]) / features  # for a single band, every second one of `ridge`
    return {"n_iter": weights, "alphas": penalties, "cv": cv, "fit_intercept": True, "progress_bar": False}


def in_features(train, responses, test, weights, cv):
    """Primal: weights of the features."""
    settings = options(train, weights, cv)
    _, found, _, intercept = solve_group_ridge_random_search(
        train, responses, return_weights=True, warn=False, **settings
    )
    return np.concatenate(test, axis=1) @ found + intercept


def in_samples(train, responses, test, weights, cv):
    """Dual: weights of the samples; one kernel a band."""
    kernels = np.stack([band @ band.T for band in train])
    across = np.stack([new @ band.T for new, band in zip(test, train, strict=True)])
    settings = options(train, weights, cv)
    deltas, found, _, intercept = solve_multiple_kernel_ridge_random_search(
        kernels, responses, return_weights="dual", **settings
    )
    return predict_weighted_kernel_ridge(across, found, deltas, intercept=intercept)
