"""How alike what two nodes write is, over the same strings: pure functions of two tables of activations.

Rows are positions of strings, columns residual axes, which need not be the same in number or meaning. All are
invariant to rotation and to a factor, and lie in [0, 1].
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from bench.kernels.regression import group_folds

RIDGE = 1e-6  # share of the mean squared column: keeps what is exactly explained at 1 and the solution finite


def centred(x: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    """Columns about their means, the whole of norm 1; nothing where all rows are equal."""
    moved = x - x.mean(axis=0)
    norm = np.linalg.norm(moved)
    return moved / norm if norm > 1e-9 * np.linalg.norm(x) else np.zeros_like(x)


def linear_cka(x: Float[np.ndarray, "rows p"], y: Float[np.ndarray, "rows q"]) -> float:
    """||Y'X||_F^2 / (||X'X||_F ||Y'Y||_F) of centred columns (Kornblith et al. 2019, ICML, equation 5)."""
    x, y = centred(x), centred(y)
    scale = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.square(y.T @ x).sum() / scale) if scale else 0.0


def procrustes(x: Float[np.ndarray, "rows p"], y: Float[np.ndarray, "rows q"]) -> float:
    """Largest share that a rotation matches: ||Y'X||_* of centred tables of norm 1 (Schoenemann 1966, Psychometrika).

    The orthogonal Procrustes distance between the two is sqrt(2 - 2 of it).
    """
    return float(min(1.0, np.linalg.svd(centred(y).T @ centred(x), compute_uv=False).sum()))


def explained(
    x: Float[np.ndarray, "rows p"], y: Float[np.ndarray, "rows q"], groups: Int[np.ndarray, "rows"], folds: int = 4
) -> float:
    """Share of the variance of y that a linear map from x explains in held-out groups of rows; at least 0."""
    left, total = 0.0, 0.0
    for held in group_folds(groups, folds):
        train = np.setdiff1d(np.arange(len(x)), held)
        centre, target = x[train].mean(axis=0), y[train].mean(axis=0)
        design = x[train] - centre
        penalty = RIDGE * np.square(design).mean() * len(train) + np.finfo(float).tiny
        coefficients = np.linalg.solve(
            design.T @ design + penalty * np.eye(design.shape[1]), design.T @ (y[train] - target)
        )
        left += np.square(y[held] - target - (x[held] - centre) @ coefficients).sum()
        total += np.square(y[held] - target).sum()
    return float(max(0.0, 1.0 - left / total)) if total > 0 else 0.0


def correlation(x: Float[np.ndarray, "*any"], y: Float[np.ndarray, "*any"]) -> float:
    """Pearson's correlation of all entries; 0 where one is constant, and where it is negative."""
    x, y = (centred(one.reshape(-1, 1))[:, 0] for one in (x, y))
    return float(max(0.0, x @ y))
