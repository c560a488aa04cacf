"""Contiguous folds with a gap.

As contiguous folds, without the eight samples on either side of a held-out stretch (h-block cross-validation).
"""

from __future__ import annotations

import numpy as np

from bench.tracks.leakage.protocol import contiguous, scores_of_sets
from bench.tracks.leakage.types import Answer, Problem

REFERENCE = "Burman, Chow and Nolan (1994), Biometrika 81:351-358 (h-block cross-validation)"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, folds: int = 5, gap: int = 8) -> Answer:
    rows = np.arange(len(problem.runs))

    def away(held: np.ndarray) -> np.ndarray:
        return rows[(rows < held[0] - gap) | (rows > held[-1] + gap)]

    outer = contiguous(len(rows), folds)
    return Answer(scores_of_sets(problem, outer, lambda kept: contiguous(len(kept), 3), away))
