"""Linear responses to what lies at other times: lagged windows, their moments fold by fold, penalised kernels.

A kernel k says y(t) = sum over features f and lags l of k[f, l] x_f(t - l). Columns of a design are feature-major:
column f * lags + l is feature f at lag l, so that a column of coefficients is a kernel laid flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from math import factorial

import numpy as np
from jaxtyping import Float, Int

STRENGTHS = np.logspace(-4, 4, 17)  # of a penalty, relative to the mean eigenvalue of what it is added to
MOST_PAIRINGS = 720  # that are all gone through; of more, so many are drawn


def whole_rows(groups: Int[np.ndarray, "time"], lags: Int[np.ndarray, "lags"]) -> Int[np.ndarray, "rows"]:
    """Samples whose window of lags (samples, negative ones lie in the future) does not leave their group."""
    begins = np.flatnonzero(np.diff(groups, prepend=groups[:1] - 1))
    ends = np.append(begins[1:], len(groups))
    before, after = max(int(lags.max()), 0), max(int(-lags.min()), 0)
    spans = [np.arange(begin + before, end - after) for begin, end in zip(begins, ends, strict=True)]
    return np.concatenate(spans)


def lag_windows(
    stimuli: Float[np.ndarray, "time features"], rows: Int[np.ndarray, "rows"], lags: Int[np.ndarray, "lags"]
) -> Float[np.ndarray, "rows columns"]:
    """The stimuli at every lag before each row; rows come from `whole_rows`, so nothing is padded or wrapped."""
    windows = stimuli.T[:, rows[:, None] - lags]
    return np.ascontiguousarray(windows.transpose(1, 0, 2)).reshape(len(rows), -1)


def centre_groups(
    columns: Float[np.ndarray, "rows columns"], groups: Int[np.ndarray, "rows"]
) -> Float[np.ndarray, "rows columns"]:
    """Columns less their mean in each (contiguous) group: an offset for every group."""
    begins = np.flatnonzero(np.diff(groups, prepend=groups[:1] - 1))
    sizes = np.diff(np.append(begins, len(groups)))
    means = np.add.reduceat(columns, begins, axis=0) / sizes[:, None]
    return columns - np.repeat(means, sizes, axis=0)


@dataclass(frozen=True)
class Moments:
    """All that least squares needs of each fold: X'X, X'Y and the sums of squares of Y. Moments of folds add up."""

    gram: Float[np.ndarray, "folds columns columns"]
    cross: Float[np.ndarray, "folds columns targets"]
    power: Float[np.ndarray, "folds targets"]

    @classmethod
    def of(cls, design: np.ndarray, responses: np.ndarray, folds: list[np.ndarray]) -> Moments:
        parts = [(design[rows], responses[rows]) for rows in folds]
        return cls(
            np.stack([x.T @ x for x, _ in parts]),
            np.stack([x.T @ y for x, y in parts]),
            np.stack([np.square(y).sum(axis=0) for _, y in parts]),
        )

    def without(self, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """X'X and X'Y of all other folds."""
        return self.gram.sum(axis=0) - self.gram[fold], self.cross.sum(axis=0) - self.cross[fold]

    def error(self, fold: int, coefficients: Float[np.ndarray, "*any columns targets"]) -> np.ndarray:
        """Sum of squares of Y - X k in one fold, for each target and each of any number of kernels."""
        fitted = np.einsum("...ct,...ct->...t", coefficients, self.gram[fold] @ coefficients - 2 * self.cross[fold])
        return self.power[fold] + fitted


def penalised_path(
    gram: Float[np.ndarray, "columns columns"],
    cross: Float[np.ndarray, "columns targets"],
    root: Float[np.ndarray, "columns columns"],
    strengths: Float[np.ndarray, "strengths"],
) -> Float[np.ndarray, "strengths columns targets"]:
    """argmin_k |Y - X k|^2 + s m |root^-1 k|^2 for every strength s; m is the mean eigenvalue of root' X'X root.

    The penalty is k' P k with P^-1 = root root' (the prior covariance of k, up to a factor). With k = root w it is
    ridge regression in w; one eigendecomposition serves all strengths. Relative to m, a strength has no unit.
    """
    values, vectors = np.linalg.eigh(root.T @ gram @ root)
    values = np.maximum(values, 0.0)
    rotated = vectors.T @ (root.T @ cross)
    shrunk = rotated / (values + strengths[:, None] * values.mean())[:, :, None]
    return (root @ vectors) @ shrunk


def held_out_errors(
    moments: Moments, root: Float[np.ndarray, "columns columns"], strengths: Float[np.ndarray, "strengths"]
) -> Float[np.ndarray, "strengths targets"]:
    """Squared error of every strength, summed over folds that each were left out of the fit in turn."""
    folds = range(len(moments.gram))
    return sum(moments.error(fold, penalised_path(*moments.without(fold), root, strengths)) for fold in folds)  # type: ignore[return-value]


def select_penalised(
    moments: Moments, root: Float[np.ndarray, "columns columns"], strengths: Float[np.ndarray, "strengths"] = STRENGTHS
) -> Float[np.ndarray, "columns targets"]:
    """The penalised kernels of all folds, each target at the strength of least held-out error."""
    best = held_out_errors(moments, root, strengths).argmin(axis=0)
    path = penalised_path(moments.gram.sum(axis=0), moments.cross.sum(axis=0), root, strengths)
    return np.take_along_axis(path, best[None, None, :], axis=0)[0]


def unit_root(scales: Float[np.ndarray, "features"], lags: int) -> Float[np.ndarray, "columns columns"]:
    """Root of the ridge penalty on features brought to unit spread: sum over f, l of (scale_f k[f, l])^2."""
    return np.diag(np.repeat(1 / scales, lags))


def smooth_root(scales: Float[np.ndarray, "features"], lags: int) -> Float[np.ndarray, "columns columns"]:
    """Root of the squared first differences along lags, sum of (scale_f (k[f, l + 1] - k[f, l]))^2.

    k is 0 just outside its window, so that the penalty D'D is tridiagonal (-1, 2, -1) and has an inverse.
    """
    differences = 2 * np.eye(lags) - np.eye(lags, k=1) - np.eye(lags, k=-1)
    one = np.linalg.inv(np.linalg.cholesky(differences)).T
    return np.kron(np.diag(1 / scales), one)


def peak_lags(
    kernels: Float[np.ndarray, "features lags targets"], lags: Int[np.ndarray, "lags"]
) -> Float[np.ndarray, "features targets"]:
    """The lag (samples) of the largest absolute value, between samples by a parabola through it and its neighbours."""
    size = np.abs(kernels)
    top = np.clip(size.argmax(axis=1), 1, size.shape[1] - 2)[:, None]
    before, at, after = (np.take_along_axis(size, top + step, axis=1)[:, 0] for step in (-1, 0, 1))
    bend = before - 2 * at + after
    shift = np.where(bend < 0, (before - after) / np.where(bend < 0, 2 * bend, 1.0), 0.0)
    return lags[top[:, 0]] + np.clip(shift, -1, 1)


def pairing_p(
    predicted: Float[np.ndarray, "groups time targets"],
    observed: Float[np.ndarray, "groups time targets"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "targets"]:
    """p of the mean correlation of predictions with the responses of their own group, among all pairings of groups.

    Where nothing links them and groups are exchangeable, every pairing is as likely as the true one, whatever the
    autocorrelation inside a group: P(p <= a) <= a. The true pairing counts among the others, so p is at least one over
    their number. Up to 6 groups have all pairings; of more, 720 are drawn. Pitman 1937.
    """
    count = len(predicted)
    first, second = _unit_groups(predicted), _unit_groups(observed)
    r = np.einsum("gnt,hnt->ght", first, second)
    if factorial(count) <= MOST_PAIRINGS:
        orders = np.array(list(permutations(range(count))))
    else:
        orders = np.concatenate([[np.arange(count)], [rng.permutation(count) for _ in range(MOST_PAIRINGS - 1)]])
    found = r[np.arange(count), orders].mean(axis=1)
    reached = found >= found[0] - 1e-12  # correlations have no unit: ties up to rounding count
    return reached.mean(axis=0)


def _unit_groups(series: Float[np.ndarray, "groups time targets"]) -> Float[np.ndarray, "groups time targets"]:
    """Each group's columns centred and of norm 1; constant ones are 0."""
    centred = series - series.mean(axis=1, keepdims=True)
    largest = np.abs(centred).max(axis=1, keepdims=True)
    centred = centred / np.where(largest > 0, largest, 1.0)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.where(norm > 0, norm, 1.0)
