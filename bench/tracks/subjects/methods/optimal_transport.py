"""Optimal transport: each voxel's signal is sent where a voxel of like time course stands.

Between each other subject and the first, the coupling of voxels that minimises the squared distance of their training
time courses, blurred by entropy (`blur`, relative to the largest distance); a voxel is predicted by the mean of those
coupled with it. The transported subjects are averaged.
"""

from __future__ import annotations

import numpy as np
import ot

from bench.tracks.subjects.alignment import aligned
from bench.tracks.subjects.types import Answer, Problem

REFERENCE = "Bazeille et al. (2019), Information Processing in Medical Imaging, LNCS 11492:237-248"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def coupling(source: np.ndarray, target: np.ndarray, blur: float) -> np.ndarray:
    """Mass between voxels, (source voxels, target voxels), each voxel's sum the same."""
    cost = ot.dist(source.T, target.T)
    mass = np.full(source.shape[1], 1 / source.shape[1])
    return ot.sinkhorn(mass, mass, cost / cost.max(), blur, numItermax=300, warn=False)


def solve(problem: Problem, rng: np.random.Generator, *, blur: float = 0.02) -> Answer:
    def align(train: np.ndarray, groups: np.ndarray, others: np.ndarray) -> np.ndarray:
        moved = [
            new @ coupling(own, train[0], blur) * train.shape[2] for own, new in zip(train[1:], others, strict=True)
        ]
        return np.mean(moved, axis=0)

    return aligned(problem, align)
