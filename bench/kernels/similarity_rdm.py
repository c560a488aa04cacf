"""Dissimilarities of all pairs of stimuli, and comparators of two lists of them.

Lists run over the pairs i < j, row by row.
"""

from __future__ import annotations

import itertools

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from bench.kernels.similarity_cka import double_centre, squared_distances

Rdm = Float[np.ndarray, "*batch pairs"]


def upper(matrices: Float[np.ndarray, "*batch stimuli stimuli"]) -> Rdm:
    """Entries above the diagonal."""
    rows, columns = np.triu_indices(matrices.shape[-1], 1)
    return matrices[..., rows, columns]


def square(rdm: Rdm) -> Float[np.ndarray, "*batch stimuli stimuli"]:
    """The symmetric matrix with 0 on the diagonal."""
    stimuli = round((1 + np.sqrt(1 + 8 * rdm.shape[-1])) / 2)
    rows, columns = np.triu_indices(stimuli, 1)
    matrices = np.zeros((*rdm.shape[:-1], stimuli, stimuli))
    matrices[..., rows, columns] = matrices[..., columns, rows] = rdm
    return matrices


def squared_euclidean(activations: Float[np.ndarray, "*batch stimuli units"]) -> Rdm:
    """|x_i - x_j|^2 / units; with noise of variance v in each of R averaged repeats it is 2 v / R too large."""
    return upper(squared_distances(activations)) / activations.shape[-1]


def correlation_distance(activations: Float[np.ndarray, "*batch stimuli units"]) -> Rdm:
    """1 - Pearson's r of the patterns of two stimuli over units; a pattern without variation has r = 0 with all."""
    centred = activations - activations.mean(axis=-1, keepdims=True)
    size = np.linalg.norm(centred, axis=-1, keepdims=True)
    unit = centred / np.where(size > 0, size, 1.0)
    return 1 - upper(unit @ np.swapaxes(unit, -1, -2))


def crossnobis(
    repeats: Float[np.ndarray, "*batch repeats stimuli sites"], precision: Float[np.ndarray, "*batch sites sites"]
) -> Rdm:
    """(b_i - b_j)_A P (b_i - b_j)_B' / sites, mean over the pairs A != B of repeats (Walther et al. 2016, eq. 8).

    Noise that is independent between repeats drops out on average: the mean is 0 where nothing differs, and values may
    be negative. Raises `ValueError` for fewer than 2 repeats.
    """
    count, sites = repeats.shape[-3], repeats.shape[-1]
    if count < 2:
        raise ValueError(f"crossnobis needs at least 2 repeats, not {count}")
    pairs = itertools.combinations(range(count), 2)
    cross = sum(repeats[..., a, :, :] @ precision @ np.swapaxes(repeats[..., b, :, :], -1, -2) for a, b in pairs)
    gram = (cross + np.swapaxes(cross, -1, -2)) / (count * (count - 1))
    size = np.diagonal(gram, axis1=-2, axis2=-1)
    return upper(size[..., :, None] + size[..., None, :] - 2 * gram) / sites


def noise_precision(repeats: Float[np.ndarray, "repeats stimuli sites"]) -> Float[np.ndarray, "sites sites"]:
    """Inverse of the covariance of what differs between repeats, shrunk to a multiple of the identity.

    Shrinkage as Ledoit and Wolf (2004, Journal of Multivariate Analysis 88:365-411); residuals are divided by
    the degrees of freedom that R repeats leave. Where repeats do not differ it is the identity.
    """
    from sklearn.covariance import ledoit_wolf

    residual = (repeats - repeats.mean(axis=0)).reshape(-1, repeats.shape[-1])
    if not residual.any():
        return np.eye(repeats.shape[-1])
    covariance, _ = ledoit_wolf(residual, assume_centered=True)
    return np.linalg.inv(covariance * len(repeats) / (len(repeats) - 1))


def cosine(
    ones: Float[np.ndarray, "ones pairs"], others: Float[np.ndarray, "others pairs"]
) -> Float[np.ndarray, "ones others"]:
    """Cosine of two lists as they are: dissimilarities have a true zero."""
    return _unit(ones) @ _unit(others).T


def pearson(
    ones: Float[np.ndarray, "ones pairs"], others: Float[np.ndarray, "others pairs"]
) -> Float[np.ndarray, "ones others"]:
    """Correlation of two lists; 0 with a constant one."""
    return cosine(ones - ones.mean(axis=1, keepdims=True), others - others.mean(axis=1, keepdims=True))


def spearman(
    ones: Float[np.ndarray, "ones pairs"], others: Float[np.ndarray, "others pairs"]
) -> Float[np.ndarray, "ones others"]:
    """Correlation of mid-ranks."""
    return pearson(rankdata(ones, axis=1), rankdata(others, axis=1))


def whitened_cosine(
    ones: Float[np.ndarray, "ones pairs"], others: Float[np.ndarray, "others pairs"]
) -> Float[np.ndarray, "ones others"]:
    """Cosine in the metric V^-1, V the covariance of estimated squared distances under independent noise.

    V_(ij),(kl) = (c_ij . c_kl)^2 with c_ij the contrast of two stimuli (Diedrichsen et al. 2020, arXiv:2007.02789,
    eq. 18). It equals the cosine of the double-centred matrices -H D H / 2, so linear CKA for squared Euclidean ones.
    """
    first, second = (double_centre(square(some)).reshape(len(some), -1) for some in (ones, others))
    return cosine(first, second)


def _unit(rows: Float[np.ndarray, "rows entries"]) -> Float[np.ndarray, "rows entries"]:
    size = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(size > 0, size, 1.0)
