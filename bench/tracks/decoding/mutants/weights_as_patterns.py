"""Windowed LDA that shows its weights as the pattern."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.kernels.discriminant import class_means, fit_lda
from bench.tracks.decoding.experiment import DataSet, Decoder, decode
from bench.tracks.decoding.types import Answer, Problem

MUTANT_OF = "windowed_lda"
TOUCHES = ("planted/evoked_clear", "planted/chain", "planted/reactivated", "planted/cancelling")
METRIC = "pattern"
DEFECT = "weights are taken for the topography, though a decoder weights sensors that cancel noise and see no source"
DETERMINISTIC = True
PARENT = load_plugin(Path(__file__).parents[1] / "methods" / "windowed_lda.py")


def solve(problem: Problem, rng: np.random.Generator, *, windows: int = 10) -> Answer:
    return decode(problem, lambda data: fit(data, windows))


def fit(data: DataSet, windows: int) -> Decoder:
    features = PARENT.window_means(data.trials, windows)
    flat = features.reshape(len(features), -1)
    weights = np.subtract(*fit_lda(flat, data.labels, 2)[0].T)
    apart = (np.subtract(*class_means(flat, data.labels, 2)) * weights).reshape(features.shape[1:]).sum(axis=0)
    shown = weights.reshape(features.shape[1:])[:, np.abs(apart).argmax()]
    return dataclasses.replace(PARENT.fit(data, windows), pattern=shown)
