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
    scaling = Standardisation.of(problem.train_features)
    train = lagged_design(scaling.apply(problem.train_features), problem.train_groups, lags)
    test = lagged_design(scaling.apply(problem.test_features), problem.test_groups, lags)
    units = Standardisation.of(problem.train_responses)
    again = Standardisation.of(train)  # the first samples of a group, where nothing is known, shrink a delayed feature
    held = group_folds(problem.train_groups, folds)
    x, y, fold = rotate_folds(again.apply(train), units.apply(problem.train_responses), held)
    bands = np.tile(problem.bands, len(lags))
    fitted, others = split_bands(x, bands), split_bands(again.apply(test), bands)
    settings = {
        "n_iter": draw_weights(len(fitted), searches, rng),
        "alphas": PENALTIES[::2] * len(train) / x.shape[1],  # for a single band, every second one of `ridge`
        "cv": PredefinedSplit(fold),
        "progress_bar": False,
    }
    predict = in_features if x.shape[1] < len(x) else in_samples
    return Answer(units.undo(predict(fitted, y, others, settings)))


def rotate_folds(
    features: np.ndarray, responses: np.ndarray, folds: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features and responses with no more rows a fold than features, and the fold of each row.

    With X = QR in a fold, R and Q'Y have the same X'X and X'Y, and a squared error that is less by a constant: fits and
    choices stay what they were. himalaya's time grows with the square of the rows.
    """
    rotated = []
    for held in folds:
        x, y = features[held], responses[held]
        if len(x) > x.shape[1]:
            q, x = np.linalg.qr(x)
            y = q.T @ y
        rotated.append((x, y))
    x, y = (np.concatenate(parts) for parts in zip(*rotated, strict=True))
    return x, y, np.repeat(np.arange(len(folds)), [len(rows) for rows, _ in rotated])


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


def in_features(train: list[np.ndarray], responses: np.ndarray, test: list[np.ndarray], settings: dict) -> np.ndarray:
    """Primal: weights of the features."""
    _, found, _ = solve_group_ridge_random_search(train, responses, return_weights=True, warn=False, **settings)
    return np.concatenate(test, axis=1) @ found


def in_samples(train: list[np.ndarray], responses: np.ndarray, test: list[np.ndarray], settings: dict) -> np.ndarray:
    """Dual: weights of the samples; one kernel a band."""
    kernels = np.stack([band @ band.T for band in train])
    across = np.stack([new @ band.T for new, band in zip(test, train, strict=True)])
    deltas, found, _ = solve_multiple_kernel_ridge_random_search(kernels, responses, return_weights="dual", **settings)
    return predict_weighted_kernel_ridge(across, found, deltas)
