"""How alike two sets of activations of the same rows are, whatever their bases."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def linear_cka(
    ones: Float[np.ndarray, "nodes rows d_one"], others: Float[np.ndarray, "others rows d_other"]
) -> Float[np.ndarray, "nodes others"]:
    """Linear centred kernel alignment of every pair, |Y'X|^2 / (|X'X| |Y'Y|) in Frobenius norms of centred columns.

    In [0, 1], and unchanged by orthogonal maps and one common scale (Kornblith et al. 2019, ICML, arXiv:1905.00414,
    section 3). What does not vary over rows is like nothing: 0.
    """
    ones, others = _unit_grams(ones), _unit_grams(others)
    return ones @ others.T


def _unit_grams(activations: Float[np.ndarray, "nodes rows d"]) -> Float[np.ndarray, "nodes entries"]:
    """Gram matrices of centred activations as vectors of length one."""
    centred = activations - activations.mean(axis=1, keepdims=True)
    grams = np.matmul(centred, np.swapaxes(centred, 1, 2)).reshape(len(activations), -1)
    norms = np.linalg.norm(grams, axis=1, keepdims=True)
    return np.divide(grams, norms, out=np.zeros_like(grams), where=norms > 0)
