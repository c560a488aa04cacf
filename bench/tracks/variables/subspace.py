"""Linear subspaces of a residual stream, each as a matrix with orthonormal columns."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

RANK = 1e-8
"""Singular values below this share of the largest one count as rounding."""


def span(directions: Float[np.ndarray, "width some"]) -> Float[np.ndarray, "width dimension"]:
    """An orthonormal basis of what the columns span."""
    left, singular, _ = np.linalg.svd(directions, full_matrices=False)
    return left[:, singular > RANK * max(singular.max(initial=0.0), np.finfo(float).tiny)]


def overlap(one: Float[np.ndarray, "width first"], other: Float[np.ndarray, "width second"]) -> float:
    """Sum of the squared cosines of the principal angles over the larger dimension: 1 for equal subspaces alone.

    ||one^T other||_F^2 / max(p, q). Where the dimensions are equal this is the mean squared cosine (Bjorck and Golub
    1973, Mathematics of Computation 27:579-594); a larger subspace that holds the smaller one scores q / p.
    """
    return float(np.square(one.T @ other).sum() / max(one.shape[1], other.shape[1]))


def chance_overlap(width: int, first: int, second: int) -> float:
    """Expected overlap of a fixed subspace with a uniformly drawn one: min(p, q) / width.

    E ||A^T B||_F^2 = tr(A A^T E[B B^T]) = p q / width, since E[B B^T] = (q / width) I.
    """
    return min(first, second) / width


def random_subspace(width: int, dimension: int, rng: np.random.Generator) -> Float[np.ndarray, "width dimension"]:
    """A uniformly drawn subspace."""
    return np.linalg.qr(rng.normal(size=(width, dimension)))[0]
