"""Correlation of predicted with observed time courses, column by column, and coefficients of determination."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

ROUNDING = 1e-12  # spread below this share of a column's largest entry is rounding: the column is constant


def correlate_columns(
    predicted: Float[np.ndarray, "time targets"], observed: Float[np.ndarray, "time targets"]
) -> Float[np.ndarray, "targets"]:
    """Pearson's r of each column of `predicted` with its column of `observed`.

    A constant column has r = 0: it says nothing about the other one. Columns are brought to unit size first, so that
    volts and tesla neither overflow nor vanish.
    """
    first, second = _unit_columns(predicted), _unit_columns(observed)
    return np.einsum("nt,nt->t", first, second)


def identity_correlation(one: Float[np.ndarray, "items"], other: Float[np.ndarray, "items"]) -> float:
    """How nearly two lists are equal, item by item: 2 cov / (var + var + (difference of means)^2).

    Lin's concordance correlation coefficient (1989, Biometrics 45:255-268, equation 1): 1 where they are equal, 0 on
    average where they are independent, and never above Pearson's r. 0 where both are constant and equal.
    """
    means = one.mean(), other.mean()
    covariance = ((one - means[0]) * (other - means[1])).mean()
    spread = one.var() + other.var() + (means[0] - means[1]) ** 2
    return float(2 * covariance / spread) if spread else 0.0


def correlate_folds(
    predicted: Float[np.ndarray, "time targets"],
    observed: Float[np.ndarray, "time targets"],
    folds: Int[np.ndarray, "time"],
) -> Float[np.ndarray, "targets"]:
    """Mean over folds of Pearson's r inside each fold; differences between the folds' means count for nothing.

    A fold in which the observed column is constant is left out of that column's mean, whatever was predicted there;
    a column that is constant in every fold has r = 0.
    """
    rows = [folds == fold for fold in np.unique(folds)]
    r = np.stack([correlate_columns(predicted[row], observed[row]) for row in rows])
    varies = np.stack([_spread(observed[row]) > 0 for row in rows])
    return r.sum(axis=0) / np.maximum(varies.sum(axis=0), 1)  # r is 0 where nothing varies


def determination(
    predicted: Float[np.ndarray, "time targets"],
    observed: Float[np.ndarray, "time targets"],
    reference: Float[np.ndarray, "targets"],
) -> Float[np.ndarray, "targets"]:
    """R^2 = 1 - sum (y - prediction)^2 / sum (y - reference)^2 per column; no unit, at most 1, without lower bound.

    With the mean of the training responses as `reference` it is the out-of-sample R^2 (Campbell and Thompson 2008,
    eq. 1): predicting the training mean scores exactly 0. Raises `ValueError` where a column equals its reference.
    """
    scale = np.abs(observed - reference).max(axis=0)
    if not scale.all():
        raise ValueError(f"column {int(np.argmin(scale))} equals its reference everywhere: R^2 is not defined")
    residual, total = (observed - predicted) / scale, (observed - reference) / scale
    return 1 - np.square(residual).sum(axis=0) / np.square(total).sum(axis=0)


def _spread(columns: Float[np.ndarray, "time targets"]) -> Float[np.ndarray, "targets"]:
    """Largest deviation from the mean, 0 where it is rounding."""
    spread = np.abs(columns - columns.mean(axis=0)).max(axis=0)
    return np.where(spread > ROUNDING * np.abs(columns).max(axis=0), spread, 0.0)


def _unit_columns(columns: Float[np.ndarray, "time targets"]) -> Float[np.ndarray, "time targets"]:
    """Centred columns of norm 1; constant ones are 0."""
    spread = _spread(columns)
    centred = np.where(spread > 0, columns - columns.mean(axis=0), 0.0) / np.where(spread > 0, spread, 1.0)
    norm = np.linalg.norm(centred, axis=0)
    return centred / np.where(norm > 0, norm, 1.0)
