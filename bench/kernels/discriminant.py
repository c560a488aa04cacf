"""Linear discriminants with shrunk covariances, many at once along leading axes, and what they say of the sensors."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

Rows = Float[np.ndarray, "... rows features"]


def shrunk_covariance(centred: Rows) -> Float[np.ndarray, "... features features"]:
    """(1 - s) S + s m I with S the covariance of rows of mean 0, m its mean variance and s the share of least expected
    squared error (Ledoit and Wolf 2004, Journal of Multivariate Analysis 88:365-411, section 3)."""
    rows, features = centred.shape[-2:]
    sample = centred.swapaxes(-1, -2) @ centred / rows
    level = np.trace(sample, axis1=-2, axis2=-1) / features
    target = level[..., None, None] * np.eye(features)
    distance = np.square(sample - target).sum(axis=(-2, -1))
    fourth = np.square(np.square(centred).sum(axis=-1)).sum(axis=-1) / rows
    error = np.maximum(fourth - np.square(sample).sum(axis=(-2, -1)), 0) / rows
    share = np.divide(error, distance, out=np.ones_like(distance), where=distance > 0).clip(0, 1)[..., None, None]
    return (1 - share) * sample + share * target


def class_means(x: Rows, labels: Int[np.ndarray, "rows"], classes: int) -> Float[np.ndarray, "... classes features"]:
    return np.stack([x[..., labels == label, :].mean(axis=-2) for label in range(classes)], axis=-2)


def fit_lda(
    x: Rows, labels: Int[np.ndarray, "rows"], classes: int
) -> tuple[Float[np.ndarray, "... features classes"], Float[np.ndarray, "... classes"]]:
    """Weights W and offsets b, so that x W + b are log-probabilities of equally likely classes up to a constant.

    Classes are Gaussian with means mu_k and one shrunk covariance S: W_k = S^-1 mu_k, b_k = -mu_k' S^-1 mu_k / 2
    (Fisher 1936; shrinkage as in Blankertz et al. 2011, NeuroImage 56:814-825). Features are centred first, so that
    numbers stay small.
    """
    centre = x.mean(axis=-2, keepdims=True)
    means = class_means(x - centre, labels, classes)
    covariance = shrunk_covariance(x - centre - means[..., labels, :])
    weights = np.linalg.solve(covariance, means.swapaxes(-1, -2))
    offsets = -0.5 * (weights * means.swapaxes(-1, -2)).sum(axis=-2)
    return weights, offsets - (centre @ weights)[..., 0, :]


def activation_pattern(x: Rows, weights: Float[np.ndarray, "... features"]) -> Float[np.ndarray, "... features"]:
    """cov(x) w: how what a linear decoder reads out appears on the sensors, up to a factor (Haufe et al. 2014,
    NeuroImage 87:96-110, eq. 7)."""
    centred = x - x.mean(axis=-2, keepdims=True)
    return (centred.swapaxes(-1, -2) @ (centred @ weights[..., None]))[..., 0] / x.shape[-2]


def linear_attribution(
    trials: Float[np.ndarray, "trials channels time"], weights: Float[np.ndarray, "channels time"]
) -> Float[np.ndarray, "channels"]:
    """Standard deviation of what each channel adds to a linear score: of w_c . x_c over trials."""
    return np.einsum("nct,ct->nc", trials, weights).std(axis=0)
