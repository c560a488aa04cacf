"""Canonical correlations and what is made of them, of one set of activations with a batch of others."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

ROUNDING = 1e-10  # directions below this share of the largest singular value are rounding: they are not there
One = Float[np.ndarray, "stimuli units"]
Batch = Float[np.ndarray, "batch stimuli sites"]


def basis(activations: One, kept: float = 1.0) -> Float[np.ndarray, "stimuli rank"]:
    """Orthonormal basis of the centred columns, largest variance first.

    With `kept` below 1, as many principal components as hold that share of the variance.
    """
    centred = activations - activations.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    if not sizes.any():
        return left[:, :0]
    rank = int((sizes > ROUNDING * sizes[0]).sum())
    if kept < 1:
        share = np.cumsum(sizes**2) / np.sum(sizes**2)
        rank = min(rank, int(np.searchsorted(share, kept * (1 - ROUNDING)) + 1))
    return left[:, :rank]


def canonical_correlations(
    one: Float[np.ndarray, "stimuli rank_one"], other: Float[np.ndarray, "stimuli rank_other"]
) -> Float[np.ndarray, "pairs"]:
    """Singular values of the product of two orthonormal bases (Bjorck and Golub 1973), largest first.

    For independent Gaussians the sum of their squares is p q / (n - 1) on average.
    """
    return np.minimum(np.linalg.svd(one.T @ other, compute_uv=False), 1.0)


def mean_squared_correlation(ones: list[np.ndarray], others: list[np.ndarray]) -> Float[np.ndarray, "ones others"]:
    """Sum of squared canonical correlations over the smaller rank, between orthonormal bases; 0 where there is none."""
    shape = (len(ones), len(others))
    found = [np.square(a.T @ b).sum() / max(min(a.shape[1], b.shape[1]), 1) for a in ones for b in others]
    return np.reshape(found, shape)


def mean_correlation(ones: list[np.ndarray], others: list[np.ndarray]) -> Float[np.ndarray, "ones others"]:
    """Mean canonical correlation between orthonormal bases; 0 where there is none."""
    found = [[_mean(canonical_correlations(a, b)) for b in others] for a in ones]
    return np.reshape(found, (len(ones), len(others)))


def projection_weighted(
    ones: list[np.ndarray], bases: list[np.ndarray], others: list[np.ndarray]
) -> Float[np.ndarray, "ones others"]:
    """Canonical correlations weighted by how much of `ones` their directions there carry (Morcos et al. 2018, eq. 3-4).

    `bases[i]` is the orthonormal basis of `ones[i]`; the weight of a direction h is the sum over columns x of |h . x|.
    """
    found = [[_projected(one, base, other) for other in others] for one, base in zip(ones, bases, strict=True)]
    return np.reshape(found, (len(ones), len(others)))


def ridge_whitened(activations: One, penalty: float) -> One:
    """X (X'X + k I)^(-1/2) of centred columns, k = `penalty` times the mean eigenvalue of X'X.

    Singular values of products of two such matrices are regularised canonical correlations (Vinod 1976, Journal of
    Econometrics 4:147-166); all of them are canonical correlations at penalty 0.
    """
    left, sizes, right = np.linalg.svd(activations - activations.mean(axis=0), full_matrices=False)
    added = penalty * np.square(sizes).sum() / activations.shape[1]
    present = sizes > ROUNDING * sizes[:1]
    scaled = sizes / np.sqrt(np.where(present, sizes**2 + added, 1.0))
    return (left * np.where(present, scaled, 0.0)) @ right


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def _projected(one: np.ndarray, base: np.ndarray, other: np.ndarray) -> float:
    if not (base.shape[1] and other.shape[1]):
        return 0.0
    left, correlations, _ = np.linalg.svd(base.T @ other, full_matrices=False)
    weights = np.abs((base @ left).T @ (one - one.mean(axis=0))).sum(axis=1)
    return float(weights @ np.minimum(correlations, 1.0) / weights.sum())
