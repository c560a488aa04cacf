"""Centred kernel alignment: how alike two geometries of the same stimuli are, from their Gram matrices.

All functions take a batch of Gram matrices on each side and compare every pair.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

Grams = Float[np.ndarray, "*batch stimuli stimuli"]


def linear_gram(activations: Float[np.ndarray, "*batch stimuli units"]) -> Grams:
    """Inner products of the rows of centred columns."""
    centred = activations - activations.mean(axis=-2, keepdims=True)
    return centred @ np.swapaxes(centred, -1, -2)


def squared_distances(activations: Float[np.ndarray, "*batch stimuli units"]) -> Grams:
    """|x_i - x_j|^2 of all pairs of rows; exactly 0 on the diagonal."""
    gram = linear_gram(activations)
    size = np.diagonal(gram, axis1=-2, axis2=-1)
    return np.maximum(size[..., :, None] + size[..., None, :] - 2 * gram, 0.0)


def rbf_gram(activations: Float[np.ndarray, "*batch stimuli units"], width: float = 0.8) -> Grams:
    """exp(-|x_i - x_j|^2 / (2 (width m)^2)), m the median distance between different rows (Kornblith et al. 2019)."""
    squared = squared_distances(activations)
    above = np.triu_indices(squared.shape[-1], 1)
    median = np.median(squared[..., above[0], above[1]], axis=-1)[..., None, None]
    return np.exp(-squared / (2 * width**2 * np.where(median > 0, median, 1.0)))


def alignment(
    ones: Float[np.ndarray, "ones n n"], others: Float[np.ndarray, "others n n"]
) -> Float[np.ndarray, "ones others"]:
    """HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) with the biased estimator: the cosine of double-centred matrices.

    In [0, 1] for positive semi-definite ones (Cortes et al. 2012, JMLR 13:795-828). Of independent Gaussians with p and
    q columns it is about 1 / sqrt((1 + (n - 1) / p) (1 + (n - 1) / q)): near 1 where columns outnumber rows. A matrix
    that is 0 after centring is like nothing: 0.
    """
    return _cosines(double_centre(ones), double_centre(others))


def debiased_alignment(
    ones: Float[np.ndarray, "ones n n"], others: Float[np.ndarray, "others n n"]
) -> Float[np.ndarray, "ones others"]:
    """As `alignment` with the unbiased estimator of HSIC (Song et al. 2012, JMLR 13:1393-1434, eq. 5): 0 on average
    where the two are independent, and possibly negative. Raises `ValueError` for fewer than 4 rows."""
    return _cosines(unbiased_centre(ones), unbiased_centre(others))


def double_centre(matrices: Grams) -> Grams:
    """H K H: rows and columns of mean 0."""
    rows = matrices.mean(axis=-1, keepdims=True)
    columns = matrices.mean(axis=-2, keepdims=True)
    return matrices - rows - columns + rows.mean(axis=-2, keepdims=True)


def unbiased_centre(matrices: Grams) -> Grams:
    """U-centring (Szekely and Rizzo 2014, Annals of Statistics 42:2382-2412, eq. 3.2): off-diagonal rows sum to 0.

    The inner product of two such matrices over n (n - 3) is the unbiased estimator of HSIC.
    """
    n = matrices.shape[-1]
    if n < 4:
        raise ValueError(f"the unbiased estimator needs at least 4 rows, not {n}")
    bare = matrices * (1 - np.eye(n))
    rows = bare.sum(axis=-1, keepdims=True) / (n - 2)
    total = bare.sum(axis=(-2, -1), keepdims=True) / ((n - 1) * (n - 2))
    return (bare - rows - np.swapaxes(rows, -1, -2) + total) * (1 - np.eye(n))


def _cosines(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    first, second = (_unit(some.reshape(len(some), -1)) for some in (ones, others))
    return first @ second.T


def _unit(rows: Float[np.ndarray, "rows entries"]) -> Float[np.ndarray, "rows entries"]:
    size = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(size > 0, size, 1.0)
