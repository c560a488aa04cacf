"""Windowed LDA that adds 1e-6 to the diagonal of the covariance."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.kernels.discriminant import class_means, shrunk_covariance
from bench.tracks.decoding.experiment import DataSet, Decoder, decode
from bench.tracks.decoding.types import Answer, Problem

MUTANT_OF = "windowed_lda"
TOUCHES = ("planted/cancelling", "planted/four_tesla", "planted/imbalanced", "planted/average_reference")
DEFECT = "a constant against singular covariances, far above variances in volts or tesla, leaves the noise correlated"
DETERMINISTIC = True
EPSILON = 1e-6
PARENT = load_plugin(Path(__file__).parents[1] / "methods" / "windowed_lda.py")


def solve(problem: Problem, rng: np.random.Generator, *, windows: int = 10) -> Answer:
    return decode(problem, lambda data: fit(data, windows))


def fit(data: DataSet, windows: int) -> Decoder:
    flat = PARENT.window_means(data.trials, windows).reshape(len(data.trials), -1)
    means = class_means(flat, data.labels, data.classes)
    covariance = shrunk_covariance(flat - means[data.labels]) + EPSILON * np.eye(flat.shape[1])
    weights = np.linalg.solve(covariance, means.T)
    offsets = -0.5 * (weights * means.T).sum(axis=0)
    return Decoder(lambda new: PARENT.window_means(new, windows).reshape(len(new), -1) @ weights + offsets)
