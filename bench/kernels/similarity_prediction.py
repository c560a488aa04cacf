"""Predictions of held-out stimuli as linear maps of the responses, so that many responses share one fit."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bench.kernels.regression import Standardisation

PENALTIES = np.logspace(-2, 3, 6)  # per fitted row, for standardised features


def held_out_maps(
    features: Float[np.ndarray, "stimuli units"],
    folds: list[np.ndarray],
    penalties: Float[np.ndarray, "penalties"] = PENALTIES,
) -> Float[np.ndarray, "penalties stimuli stimuli"]:
    """H of each penalty with H Y the ridge predictions of every stimulus from the folds that do not hold it.

    Features are standardised and responses centred by the fitted rows of each fold; the penalty is `penalties` times
    the number of these rows. Entries between stimuli of one fold are 0.
    """
    maps = np.zeros((len(penalties), len(features), len(features)))
    for held in folds:
        kept = np.setdiff1d(np.arange(len(features)), held)
        scaling = Standardisation.of(features[kept])
        fitted, others = scaling.apply(features[kept]), scaling.apply(features[held])
        values, vectors = np.linalg.eigh(fitted @ fitted.T)
        left = others @ fitted.T @ vectors
        size = np.maximum(values, 0.0) + penalties[:, None] * len(kept)
        inner = (left / size[:, None, :]) @ vectors.T
        maps[np.ix_(np.arange(len(penalties)), held, kept)] = inner - inner.mean(axis=2, keepdims=True) + 1 / len(kept)
    return maps


def fold_correlation(
    predicted: Float[np.ndarray, "*batch stimuli columns"],
    observed: Float[np.ndarray, "stimuli columns"],
    folds: list[np.ndarray],
) -> Float[np.ndarray, "*batch columns"]:
    """Pearson's r of every column in each fold, mean over folds; 0 where a column does not vary."""
    return np.mean([_correlation(predicted[..., held, :], observed[held]) for held in folds], axis=0)


def simpls(
    features: Float[np.ndarray, "fitted units"],
    responses: Float[np.ndarray, "regions fitted sites"],
    others: Float[np.ndarray, "held units"],
    components: int,
) -> Float[np.ndarray, "components regions held sites"]:
    """Predictions at `others` with 1, ..., `components` components for each region by itself.

    SIMPLS (de Jong 1993, Chemometrics and Intelligent Laboratory Systems 18:251-263): the next component is the leading
    left singular vector of X'Y, deflated by the loadings so far. Of a single target it is PLS1. Centre all first.
    """
    cross = np.einsum("nu,rns->rus", features, responses)
    regions, units = len(responses), features.shape[1]
    loadings = np.zeros((regions, units, 0))
    predicted, found = np.zeros((regions, len(others), responses.shape[2])), []
    for _ in range(components):
        right = np.linalg.eigh(np.swapaxes(cross, 1, 2) @ cross)[1][:, :, -1]
        weight = np.einsum("rus,rs->ru", cross, right)
        score = weight @ features.T
        size = np.linalg.norm(score, axis=1, keepdims=True)
        weight, score = weight / np.where(size > 0, size, 1.0), score / np.where(size > 0, size, 1.0)
        target = np.einsum("rn,rns->rs", score, responses)
        predicted = predicted + (weight @ others.T)[:, :, None] * target[:, None, :]
        found.append(predicted)
        loading = score @ features - np.einsum("ruk,rvk,rv->ru", loadings, loadings, score @ features)
        length = np.linalg.norm(loading, axis=1, keepdims=True)
        loading = (loading / np.where(length > 0, length, 1.0))[:, :, None]
        loadings = np.concatenate([loadings, loading], axis=2)
        cross = cross - loading @ (np.swapaxes(loading, 1, 2) @ cross)
    return np.stack(found)


def _correlation(predicted: np.ndarray, observed: np.ndarray) -> np.ndarray:
    first = predicted - predicted.mean(axis=-2, keepdims=True)
    second = observed - observed.mean(axis=0)
    size = np.linalg.norm(first, axis=-2) * np.linalg.norm(second, axis=0)
    return (first * second).sum(axis=-2) / np.where(size > 0, size, 1.0)
