"""Deterministic shared response model: few shared time courses, orthonormal maps.

min sum_s |Y_s - S W_s'| with W_s'W_s = 1, by turns: W_s is the rotation of Y_s onto S, S the mean of Y_s W_s; it begins
at the principal components of all subjects together. The number of shared time courses is the one with which held-out
groups of the first subject are predicted best.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.regression import group_folds
from bench.tracks.subjects.alignment import FOLDS, aligned, rotation
from bench.tracks.subjects.types import Answer, Problem

REFERENCE = "Chen et al. (2015), Advances in Neural Information Processing Systems 28 (deterministic SRM)"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True
COUNTS = (3, 6, 12, 24)


def shared(train: np.ndarray, features: int, passes: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Shared time courses (time, features), and each subject's map (voxels, features)."""
    left, values, _ = np.linalg.svd(np.concatenate(list(train), axis=1), full_matrices=False)
    courses = left[:, :features] * values[:features] / np.sqrt(len(train))
    for _ in range(passes):
        maps = [rotation(own, courses) for own in train]
        courses = np.mean([own @ one for own, one in zip(train, maps, strict=True)], axis=0)
    return courses, maps


def predict(train: np.ndarray, others: np.ndarray, features: int, passes: int) -> np.ndarray:
    _, maps = shared(train, features, passes)
    mean = np.mean([new @ one for new, one in zip(others, maps[1:], strict=True)], axis=0)
    return mean @ maps[0].T


def choose(train: np.ndarray, groups: np.ndarray, passes: int) -> int:
    """The number of shared time courses of least held-out error."""
    errors = {}
    for features in (one for one in COUNTS if one <= min(train.shape[1:]) // 2):
        errors[features] = 0.0
        for held in group_folds(groups, FOLDS):
            kept = np.setdiff1d(np.arange(len(groups)), held)
            found = predict(train[:, kept], train[1:, held], features, passes)
            errors[features] += np.square(train[0, held] - found).sum()
    return min(errors, key=errors.__getitem__)


def solve(problem: Problem, rng: np.random.Generator, *, passes: int = 6) -> Answer:
    def align(train: np.ndarray, groups: np.ndarray, others: np.ndarray) -> np.ndarray:
        return predict(train, others, choose(train, groups, passes), passes)

    return aligned(problem, align)
