"""Hyperalignment: all subjects are rotated into a common space, made in three passes.

Subjects are rotated in turn onto the mean of those before them; then each onto the mean of all others as they stand;
then each onto the mean of all. The others' test responses are averaged in the common space and rotated back into the
first subject's voxels.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.subjects.alignment import aligned, rotation
from bench.tracks.subjects.types import Answer, Problem

REFERENCE = "Haxby et al. (2011), Neuron 72:404-416, doi:10.1016/j.neuron.2011.08.026"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def common_space(train: np.ndarray) -> np.ndarray:
    """The template (time, voxels)."""
    moved = train.copy()
    for subject in range(1, len(train)):
        mean = moved[:subject].mean(axis=0)
        moved[subject] = train[subject] @ rotation(train[subject], mean)
    whole = moved.sum(axis=0)
    again = np.stack([
        own @ rotation(own, (whole - now) / (len(train) - 1)) for own, now in zip(train, moved, strict=True)
    ])  # fmt: skip
    return again.mean(axis=0)


def align(train: np.ndarray, groups: np.ndarray, others: np.ndarray) -> np.ndarray:
    template = common_space(train)
    maps = [rotation(own, template) for own in train]
    mean = np.mean([new @ one for new, one in zip(others, maps[1:], strict=True)], axis=0)
    return mean @ maps[0].T


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return aligned(problem, align)
