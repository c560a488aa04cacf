"""Ridge regression of the first subject's voxels on all voxels of the others.

All others' voxels together are the features; the penalty of each voxel has the least squared error when whole groups
are held out. Any linear map can be found, given stimuli enough.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.regression import group_folds, predict_ridge
from bench.tracks.subjects.alignment import aligned
from bench.tracks.subjects.types import Answer, Problem

REFERENCE = "Bazeille et al. (2021), NeuroImage 245:118683 (ridge regression); Hoerl and Kennard (1970)"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def align(train: np.ndarray, groups: np.ndarray, others: np.ndarray) -> np.ndarray:
    features, new = (np.concatenate(list(part), axis=1) for part in (train[1:], others))
    return predict_ridge(features, train[0], new, group_folds(groups, 3))


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return aligned(problem, align)
