"""Correlations of dissimilarity matrices under resampled stimuli and subjects, all data sets at once.

A matrix is the vector of its pairs i < j, in the order of `numpy.triu_indices(stimuli, 1)`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from bench.kernels.resampling import in_chunks


class Spreads(NamedTuple):
    """Observed mean difference, and its bootstrap variance over subjects, over stimuli, and over both at once."""

    difference: Float[np.ndarray, "datasets"]
    subjects: Float[np.ndarray, "datasets"]
    stimuli: Float[np.ndarray, "datasets"]
    both: Float[np.ndarray, "datasets"]


def pair_weights(counts: Float[np.ndarray, "draws stimuli"]) -> Float[np.ndarray, "draws pairs"]:
    """How often a pair occurs when stimulus i occurs counts_i times: counts_i counts_j. Pairs of a stimulus with its
    own copy have no dissimilarity and are left out, as every pair here has i < j."""
    first, second = np.triu_indices(counts.shape[1], 1)
    return counts[:, first] * counts[:, second]


def draw_counts(draws: int, size: int, rng: np.random.Generator) -> Float[np.ndarray, "draws size"]:
    """How often each of `size` things is drawn in as many draws with replacement."""
    return rng.multinomial(size, np.full(size, 1 / size), size=draws).astype(float)


def weighted_correlations(
    model: Float[np.ndarray, "datasets pairs"],
    brain: Float[np.ndarray, "datasets subjects pairs"],
    weights: Float[np.ndarray, "draws pairs"],
) -> Float[np.ndarray, "datasets subjects draws"]:
    """Pearson's r of each subject's matrix with the model's, pairs weighted."""
    share = (weights / weights.sum(axis=1, keepdims=True)).T
    x, y = _standard(model)[:, None], _standard(brain)
    mean_x, mean_y = x @ share, y @ share
    covariance = (x * y) @ share - mean_x * mean_y
    return covariance / np.sqrt(((x**2) @ share - mean_x**2) * ((y**2) @ share - mean_y**2))


def differences(
    first: Float[np.ndarray, "datasets pairs"],
    second: Float[np.ndarray, "datasets pairs"],
    brain: Float[np.ndarray, "datasets subjects pairs"],
    weights: Float[np.ndarray, "draws pairs"] | None = None,
) -> Float[np.ndarray, "datasets subjects draws"]:
    """r of the first model less r of the second, for each subject and each weighting of pairs (None: the one of 1s)."""
    if weights is None:
        weights = np.ones((1, brain.shape[2]))
    one, other = (weighted_correlations(model, brain, weights) for model in (first, second))
    return one - other


def bootstrap_spreads(
    first: Float[np.ndarray, "datasets pairs"],
    second: Float[np.ndarray, "datasets pairs"],
    brain: Float[np.ndarray, "datasets subjects pairs"],
    stimuli: int,
    draws: int,
    rng: np.random.Generator,
) -> Spreads:
    """Variances of the mean difference over bootstrap draws, which all data sets share."""
    weights = pair_weights(draw_counts(draws, stimuli, rng))
    shares = draw_counts(draws, brain.shape[1], rng) / brain.shape[1]

    def moments(one: np.ndarray, other: np.ndarray, some: np.ndarray) -> np.ndarray:
        observed = differences(one, other, some)[:, :, 0]
        resampled = differences(one, other, some, weights)
        return np.stack(
            [
                observed.mean(axis=1),
                (observed @ shares.T).var(axis=1, ddof=1),
                resampled.mean(axis=1).var(axis=1, ddof=1),
                np.einsum("dsb,bs->db", resampled, shares).var(axis=1, ddof=1),
            ],
            axis=1,
        )

    found = in_chunks(moments, draws * brain.shape[1] * 8, first, second, brain)
    return Spreads(*found.T)


def two_factor_variance(found: Spreads, subjects: int, stimuli: int) -> Float[np.ndarray, "datasets"]:
    """Variance over new subjects and new stimuli, from three bootstraps that each count some of it more than once:

    f_s V_s + f_c V_c - f_s f_c (V_sc - V_s - V_c),  f = n / (n - 1),

    not below either of the first two terms, nor above V_sc. Schuett et al. 2023, eLife 12:e82566 (small samples).
    """
    wide, tall = subjects / (subjects - 1), stimuli / (stimuli - 1)
    together = found.both - found.subjects - found.stimuli
    least = np.maximum(wide * found.subjects, tall * found.stimuli)
    variance = wide * found.subjects + tall * found.stimuli - wide * tall * together
    return np.minimum(np.maximum(variance, least), found.both)


def _standard(values: Float[np.ndarray, "*batch pairs"]) -> Float[np.ndarray, "*batch pairs"]:
    centred = values - values.mean(axis=-1, keepdims=True)
    return centred / centred.std(axis=-1, keepdims=True)
