"""Shrinkage LDA on means of short windows, with Haufe patterns.

Every channel's mean over each of `windows` equal stretches of the trial is a feature; one linear discriminant with a
shrunk covariance decides. The pattern is cov @ w at the window that adds most to the distance of the
classes; the attribution of a channel the spread of what it adds to the log-odds.

Departs from Blankertz et al. in windows of equal length where they choose them by eye.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.discriminant import activation_pattern, class_means, fit_lda
from bench.tracks.decoding.experiment import DataSet, Decoder, decode
from bench.tracks.decoding.types import Answer, Problem

REFERENCE = (
    "Blankertz et al. (2011), NeuroImage 56:814-825, doi:10.1016/j.neuroimage.2010.06.048; patterns: Haufe et al. "
    "(2014), NeuroImage 87:96-110, doi:10.1016/j.neuroimage.2013.10.067"
)
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, windows: int = 10) -> Answer:
    return decode(problem, lambda data: fit(data, windows))


def fit(data: DataSet, windows: int) -> Decoder:
    features = window_means(data.trials, windows)
    flat = features.reshape(len(features), -1)
    weights, offsets = fit_lda(flat, data.labels, data.classes)
    shape = features.shape[1:]
    odds = (weights - weights.mean(axis=1, keepdims=True)).T.reshape(-1, *shape)  # [classes, channels, windows]
    added = np.einsum("ncw,kcw->knc", features, odds).std(axis=1)
    return Decoder(
        lambda trials: window_means(trials, windows).reshape(len(trials), -1) @ weights + offsets,
        pattern=read_out_pattern(data, flat, weights[:, 1] - weights[:, 0], shape) if data.classes == 2 else None,
        attribution=added.mean(axis=0),
    )


def read_out_pattern(data: DataSet, flat: np.ndarray, weights: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The pattern at the window that adds most to the distance between the classes."""
    apart = np.subtract(*class_means(flat, data.labels, 2)) * weights
    window = np.abs(apart.reshape(shape).sum(axis=0)).argmax()
    return activation_pattern(flat, weights).reshape(shape)[:, window]


def window_means(trials: np.ndarray, windows: int) -> np.ndarray:
    parts = np.array_split(trials, min(windows, trials.shape[2]), axis=2)
    return np.stack([part.mean(axis=2) for part in parts], axis=2)
