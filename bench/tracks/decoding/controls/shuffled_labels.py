"""Shrinkage LDA on window means, trained on labels that were shuffled within each run."""

from __future__ import annotations

import dataclasses

import numpy as np

from bench.kernels.discriminant import fit_lda
from bench.tracks.decoding.experiment import DataSet, Decoder, decode
from bench.tracks.decoding.types import Answer, Problem

ROLE = "floor"
WINDOWS = 10


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    labels = problem.train_labels.copy()
    for row, groups in zip(labels, problem.train_groups, strict=True):
        for group in np.unique(groups):
            row[groups == group] = rng.permutation(row[groups == group])
    return decode(dataclasses.replace(problem, train_labels=labels), fit)


def fit(data: DataSet) -> Decoder:
    weights, offsets = fit_lda(window_means(data.trials), data.labels, data.classes)
    return Decoder(lambda trials: window_means(trials) @ weights + offsets)


def window_means(trials: np.ndarray) -> np.ndarray:
    parts = np.array_split(trials, min(WINDOWS, trials.shape[2]), axis=2)
    return np.concatenate([part.mean(axis=2) for part in parts], axis=1)
