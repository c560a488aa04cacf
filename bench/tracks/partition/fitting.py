"""What methods share: ridge on one, some or all spaces, and what it explains of groups that were held out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from bench.kernels.regression import PENALTIES, Standardisation, group_folds, held_out_error, ridge_path
from bench.kernels.shares import members, product_shares
from bench.tracks.partition.types import Answer, Problem

OUTER, INNER = 4, 3  # folds: of what is scored, and of what chooses penalties
GRID = PENALTIES[::2]


@dataclass(frozen=True)
class Data:
    """Standardised features and responses of some groups."""

    features: Float[np.ndarray, "rows features"]
    responses: Float[np.ndarray, "rows targets"]
    groups: np.ndarray
    spaces: np.ndarray

    @property
    def count(self) -> int:
        return int(self.spaces.max()) + 1


Fit = Callable[[Data], Float[np.ndarray, "features targets"]]
"""Weights of standardised features for standardised responses."""


def held_out_parts(
    problem: Problem, fit: Fit
) -> tuple[Float[np.ndarray, "spaces rows targets"], Float[np.ndarray, "rows targets"]]:
    """Each space's part of the prediction of every row by weights of the other groups, and the observed responses.

    Both in the units of the fitted groups' responses, less their mean.
    """
    parts = np.empty((int(problem.spaces.max()) + 1, *problem.responses.shape))
    observed = np.empty_like(problem.responses)
    for held in group_folds(problem.groups, OUTER):
        data, scaling, units = standardise(problem, np.setdiff1d(np.arange(len(problem.groups)), held))
        weights = fit(data)
        parts[:, held] = split(scaling.apply(problem.features[held]), weights, problem.spaces)
        observed[held] = units.apply(problem.responses[held])
    return parts, observed


def standardise(problem: Problem, rows: np.ndarray) -> tuple[Data, Standardisation, Standardisation]:
    scaling, units = Standardisation.of(problem.features[rows]), Standardisation.of(problem.responses[rows])
    data = Data(
        scaling.apply(problem.features[rows]),
        units.apply(problem.responses[rows]),
        problem.groups[rows],
        problem.spaces,
    )
    return data, scaling, units


def split(
    features: Float[np.ndarray, "rows features"], weights: Float[np.ndarray, "features targets"], spaces: np.ndarray
) -> Float[np.ndarray, "spaces rows targets"]:
    """What each space adds to the prediction."""
    known = range(int(spaces.max()) + 1)
    return np.stack([features[:, spaces == one] @ weights[spaces == one] for one in known])


def predict(problem: Problem, fit: Fit) -> Float[np.ndarray, "test targets"]:
    """Test responses in their own units, by weights of all training groups."""
    data, scaling, units = standardise(problem, np.arange(len(problem.groups)))
    return units.undo(scaling.apply(problem.test_features) @ fit(data))


def product_answer(problem: Problem, fit: Fit) -> Answer:
    """Product measure of predictions of held-out groups."""
    parts, observed = held_out_parts(problem, fit)
    return Answer(product_shares(parts, observed), "product", predict(problem, fit))


def explained_by_subsets(problem: Problem) -> Float[np.ndarray, "subsets targets"]:
    """Held-out R^2 of a ridge regression of its own on every subset of spaces; nothing explains 0."""
    inside = members(int(problem.spaces.max()) + 1)
    return np.stack([np.zeros(problem.responses.shape[1]), *(explained_by(problem, one) for one in inside[1:])])


def explained_by(problem: Problem, chosen: Bool[np.ndarray, "spaces"]) -> Float[np.ndarray, "targets"]:
    """Held-out R^2 of ridge regression on the chosen spaces."""
    parts, observed = held_out_parts(problem, lambda data: fit_ridge(data, chosen))
    return 1 - np.square(observed - parts.sum(axis=0)).sum(axis=0) / np.square(observed).sum(axis=0)


def fit_ridge(data: Data, chosen: Bool[np.ndarray, "spaces"] | None = None) -> Float[np.ndarray, "features targets"]:
    """Ridge weights on the chosen spaces (all by default) and 0 elsewhere, each target's penalty cross-validated."""
    scales = np.ones(data.count) if chosen is None else chosen.astype(float)
    return fit_weighted(data, scales[None])


def fit_weighted(data: Data, choices: Float[np.ndarray, "choices spaces"]) -> Float[np.ndarray, "features targets"]:
    """Weights of argmin |Y - X w|^2 + penalty sum over spaces of |w_b|^2 / choice_b, w_b = 0 where choice_b is 0.

    Each target takes the choice and the penalty (per row) of least squared error over held-out groups.
    """
    folds = group_folds(data.groups, INNER)
    scaled = [data.features * np.sqrt(choice)[data.spaces] for choice in choices]
    kept = [columns[:, choice[data.spaces] > 0] for columns, choice in zip(scaled, choices, strict=True)]
    errors = np.stack([held_out_error(columns, data.responses, folds, ridge_per_row) for columns in kept])
    best = errors.reshape(-1, errors.shape[2]).argmin(axis=0)
    found = np.zeros((data.features.shape[1], data.responses.shape[1]))
    for one in np.unique(best):
        choice, penalty = divmod(int(one), len(GRID))
        root = np.sqrt(choices[choice])[data.spaces]
        own = best == one
        found[:, own] = root[:, None] * ridge_weights(scaled[choice], data.responses[:, own], GRID[penalty])
    return found


def ridge_per_row(features: np.ndarray, responses: np.ndarray, others: np.ndarray):
    return ridge_path(features, responses, others, GRID * len(features))


def ridge_weights(features: np.ndarray, responses: np.ndarray, penalty: float) -> np.ndarray:
    """argmin |Y - X w|^2 + penalty rows |w|^2, by the smaller of the two Gram matrices."""
    rows, columns = features.shape
    if rows < columns:
        gram = features @ features.T + penalty * rows * np.eye(rows)
        return features.T @ np.linalg.solve(gram, responses)
    return np.linalg.solve(features.T @ features + penalty * rows * np.eye(columns), features.T @ responses)
