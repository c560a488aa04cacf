"""Orthogonal Procrustes: each other subject is rotated onto the first, then averaged.

argmin |Y_0 - Y_s R| over orthogonal R, for each subject by itself, from the training responses.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.subjects.alignment import aligned, rotation
from bench.tracks.subjects.types import Answer, Problem

REFERENCE = "Schoenemann (1966), Psychometrika 31:1-10; Haxby et al. (2011), Neuron 72:404-416"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def align(train: np.ndarray, groups: np.ndarray, others: np.ndarray) -> np.ndarray:
    rotated = [new @ rotation(source, train[0]) for source, new in zip(train[1:], others, strict=True)]
    return np.mean(rotated, axis=0)


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return aligned(problem, align)
