"""Geometry of symmetric positive definite matrices under the affine-invariant metric, many at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

Matrices = Float[np.ndarray, "... n n"]


def of_eigenvalues(matrices: Matrices, function: Callable[[np.ndarray], np.ndarray]) -> Matrices:
    """V f(l) V' of each symmetric matrix V l V'."""
    values, vectors = np.linalg.eigh(matrices)
    return (vectors * function(values)[..., None, :]) @ vectors.swapaxes(-1, -2)


def whiten(matrices: Matrices, reference: Float[np.ndarray, "n n"]) -> Matrices:
    """R^-1/2 A R^-1/2."""
    root = of_eigenvalues(reference, lambda values: values**-0.5)
    return root @ matrices @ root


def distance(matrices: Matrices, reference: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "..."]:
    """Root of the sum of log^2 of the eigenvalues of R^-1 A (Foerstner and Moonen 1999)."""
    return np.sqrt(np.square(np.log(np.linalg.eigvalsh(whiten(matrices, reference)))).sum(axis=-1))


def geometric_mean(matrices: Float[np.ndarray, "k n n"], steps: int = 50, tolerance: float = 1e-8) -> Matrices:
    """The matrix of least summed squared distance, by R <- R^1/2 exp(mean log(R^-1/2 A R^-1/2)) R^1/2.

    Stops when the mean logarithm is below `tolerance` (Frobenius) and halves its step where that does not shrink
    (Moakher 2005, SIAM Journal on Matrix Analysis 26:735-747).
    """
    mean, stride, last = matrices.mean(axis=0), 1.0, np.inf
    for _ in range(steps):
        root = of_eigenvalues(mean, np.sqrt)
        ahead = of_eigenvalues(whiten(matrices, mean), np.log).mean(axis=0)
        size = float(np.linalg.norm(ahead))
        if size < tolerance:
            break
        stride, last = (stride, size) if size < last else (stride / 2, last)
        mean = root @ of_eigenvalues(stride * ahead, np.exp) @ root
    return mean


def tangent_vectors(matrices: Matrices, reference: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "... entries"]:
    """Upper triangle of log(R^-1/2 A R^-1/2), off-diagonal entries times the root of 2, so that the squared length is
    the squared distance to R (Barachant et al. 2012, IEEE Transactions on Biomedical Engineering 59:920-928)."""
    logs = of_eigenvalues(whiten(matrices, reference), np.log)
    rows, columns = np.triu_indices(logs.shape[-1])
    return logs[..., rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2))
