"""Procrustes whose rotation is applied the wrong way round."""

from __future__ import annotations

import numpy as np

from bench.tracks.subjects.alignment import aligned, rotation
from bench.tracks.subjects.types import Answer, Problem

MUTANT_OF = "procrustes"
TOUCHES = ("planted/rotated", "planted/displaced", "planted/linear")
DEFECT = "V U' takes the first subject's space to the other's; with as many voxels in both no shape gives it away"
DETERMINISTIC = True


def align(train: np.ndarray, groups: np.ndarray, others: np.ndarray) -> np.ndarray:
    rotated = [new @ rotation(source, train[0]).T for source, new in zip(train[1:], others, strict=True)]
    return np.mean(rotated, axis=0)


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return aligned(problem, align)
