"""Linear and log-linear regression of many targets at once, and how its penalty is chosen without leakage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

ROUNDING = 1e-12  # spread below this share of a column's largest entry is rounding: the column is constant
PENALTIES = np.logspace(-3, 4, 15)  # per row, for standardised features
FOLDS = 5


@dataclass(frozen=True)
class Standardisation:
    """Centre and scale of columns, taken from the training rows alone; a column that is constant there becomes 0."""

    centre: Float[np.ndarray, "columns"]
    scale: Float[np.ndarray, "columns"]  # infinite for constant columns, whose spread is rounding

    @classmethod
    def of(cls, training: Float[np.ndarray, "rows columns"]) -> Standardisation:
        scale = training.std(axis=0)
        constant = scale <= ROUNDING * np.abs(training).max(axis=0)
        return cls(training.mean(axis=0), np.where(constant, np.inf, scale))

    def apply(self, columns: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
        return (columns - self.centre) / self.scale

    def undo(self, columns: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
        """Back to the columns' own units; what was constant is that constant again."""
        return columns * np.where(np.isinf(self.scale), 0.0, self.scale) + self.centre


def group_folds(groups: Int[np.ndarray, "rows"], largest: int = FOLDS) -> list[np.ndarray]:
    """Held-out rows of each fold: whole groups, at most `largest` folds of about equal numbers of groups.

    Neighbouring groups share a fold, so that what lingers between them is not shared by training and held-out rows.
    With a single group the folds are contiguous blocks of rows; rows are never shuffled.
    """
    known, position = np.unique(groups, return_inverse=True)
    if len(known) == 1:
        known, position = np.arange(len(groups)), np.arange(len(groups))
    count = min(largest, len(known))
    fold = position * count // len(known)
    return [np.flatnonzero(fold == number) for number in range(count)]


def lagged_design(
    features: Float[np.ndarray, "rows features"], groups: Int[np.ndarray, "rows"], lags: Int[np.ndarray, "lags"]
) -> Float[np.ndarray, "rows lagged"]:
    """Features delayed by each lag (samples, >= 0), lag-major: column l * features + j is feature j at lag l.

    Row i holds x[i - lag] where that row lies in the same group, and 0 before the group begins. Centre the features
    first: 0 is then their mean, where in their own units it may be far outside their range.
    """
    start = np.zeros(len(groups), dtype=int)
    begins = np.flatnonzero(np.diff(groups, prepend=groups[:1] - 1))
    start[begins] = begins
    since = np.arange(len(groups)) - np.maximum.accumulate(start)
    rows = np.arange(len(groups))
    delayed = [np.where((since >= lag)[:, None], features[np.maximum(rows - lag, 0)], 0.0) for lag in lags]
    return np.concatenate(delayed, axis=1)


def ridge_path(
    features: Float[np.ndarray, "rows features"],
    responses: Float[np.ndarray, "rows targets"],
    others: Float[np.ndarray, "others features"],
    penalties: Float[np.ndarray, "penalties"],
) -> Iterator[Float[np.ndarray, "others targets"]]:
    """Predictions at `others` of argmin_w |Y - X w|^2 + penalty |w|^2, one for each penalty (> 0).

    Without intercept: centre first. One eigendecomposition of the smaller Gram matrix serves all penalties: primal,
    (X'X + penalty)^-1 X'Y, or dual, X'(XX' + penalty)^-1 Y (Saunders, Gammerman and Vovk 1998).
    """
    rows, columns = features.shape
    if rows < columns:
        values, vectors = np.linalg.eigh(features @ features.T)
        projected, rotated = others @ features.T @ vectors, vectors.T @ responses
    else:
        values, vectors = np.linalg.eigh(features.T @ features)
        projected, rotated = others @ vectors, vectors.T @ (features.T @ responses)
    values = np.maximum(values, 0.0)[:, None]  # a Gram matrix has none below 0 but by rounding
    for penalty in penalties:
        yield projected @ (rotated / (values + penalty))


def held_out_error(
    features: Float[np.ndarray, "rows features"],
    responses: Float[np.ndarray, "rows targets"],
    folds: list[np.ndarray],
    path: Callable[..., Iterator[np.ndarray]],
) -> Float[np.ndarray, "candidates targets"]:
    """Squared error of every candidate of `path(X, Y, X_held)` summed over held-out rows, per target.

    Features and responses are centred by the rows that are fitted, fold by fold.
    """
    total: float | np.ndarray = 0.0
    for held in folds:
        kept = np.setdiff1d(np.arange(len(features)), held)
        centre, mean = features[kept].mean(axis=0), responses[kept].mean(axis=0)
        found = path(features[kept] - centre, responses[kept] - mean, features[held] - centre)
        total = total + np.stack([np.square(responses[held] - mean - one).sum(axis=0) for one in found])
    return np.asarray(total)


def select_ridge(
    features: Float[np.ndarray, "rows features"],
    responses: Float[np.ndarray, "rows targets"],
    others: Float[np.ndarray, "others features"],
    folds: list[np.ndarray],
    penalties: Float[np.ndarray, "penalties"] = PENALTIES,
) -> Float[np.ndarray, "others targets"]:
    """Ridge predictions at `others` for centred data; each target's penalty has the least error over the `folds`.

    The penalty is one of `penalties` times the number of fitted rows, in folds and at the end.
    """
    fit = _path_per_row(penalties)
    best = held_out_error(features, responses, folds, fit).argmin(axis=0)
    candidates = np.stack(list(fit(features, responses, others)))
    return np.take_along_axis(candidates, best[None, None, :], axis=0)[0]


def _path_per_row(penalties: Float[np.ndarray, "penalties"]) -> Callable[..., Iterator[np.ndarray]]:
    def fit(features: np.ndarray, responses: np.ndarray, others: np.ndarray) -> Iterator[np.ndarray]:
        return ridge_path(features, responses, others, penalties * len(features))

    return fit


def predict_ridge(
    features: Float[np.ndarray, "rows features"],
    responses: Float[np.ndarray, "rows targets"],
    others: Float[np.ndarray, "others features"],
    folds: list[np.ndarray],
) -> Float[np.ndarray, "others targets"]:
    """Ridge predictions at `others` in the units of `responses`, the penalty chosen on held-out `folds`.

    Features and responses are standardised by the training rows, so that units change nothing and the penalty means
    the same for every data set. Hoerl and Kennard 1970.
    """
    scaling, units = Standardisation.of(features), Standardisation.of(responses)
    found = select_ridge(scaling.apply(features), units.apply(responses), scaling.apply(others), folds)
    return units.undo(found)
