"""What methods share: predictions of the first subject from aligned others, and what is to be expected of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from bench.kernels.correlation import correlate_columns
from bench.kernels.regression import group_folds
from bench.tracks.subjects.types import Answer, Problem

FOLDS = 3
ROUNDING = 1e-10  # of the largest singular value; what is below is not determined

Train = Float[np.ndarray, "subjects time voxels"]
Others = Float[np.ndarray, "others time voxels"]
Align = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Responses of the first subject (time, voxels) from training responses of all, their groups, and others' responses."""


def standardise(train: Train, others: Others) -> tuple[np.ndarray, np.ndarray]:
    """Voxels centred and scaled by each subject's training responses; a constant voxel is 0."""
    centre, scale = train.mean(axis=1, keepdims=True), train.std(axis=1, keepdims=True)
    scale = np.where(scale > 1e-12 * np.abs(train).max(axis=1, keepdims=True), scale, np.inf)
    return (train - centre) / scale, (others - centre[1:]) / scale[1:]


def aligned(problem: Problem, align: Align) -> Answer:
    """Predictions in the subject's own units, and their mean correlation with training groups that were held out."""
    held_out = np.empty_like(problem.train[0])
    for held in group_folds(problem.train_groups, FOLDS):
        kept = np.setdiff1d(np.arange(len(held_out)), held)
        train, others = standardise(problem.train[:, kept], problem.train[1:, held])
        held_out[held] = align(train, problem.train_groups[kept], others)
    train, others = standardise(problem.train, problem.test)
    centre, scale = problem.train[0].mean(axis=0), problem.train[0].std(axis=0)
    predictions = align(train, problem.train_groups, others) * scale + centre
    return Answer(predictions, float(correlate_columns(held_out, problem.train[0]).mean()))


def rotation(
    source: Float[np.ndarray, "time features"], target: Float[np.ndarray, "time voxels"]
) -> Float[np.ndarray, "features voxels"]:
    """argmin |target - source R| over rotations: U V' of source' target. Schoenemann 1966.

    Directions that the data leave open (fewer samples than voxels) are sent to 0: any completion would be rounding's.
    """
    left, values, right = np.linalg.svd(source.T @ target, full_matrices=False)
    known = values > ROUNDING * values[0]
    return left[:, known] @ right[known]
