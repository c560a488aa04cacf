"""Contiguous folds.

Five contiguous stretches of the whole recording, wherever runs begin; the penalty is chosen on three stretches of the
training rows. Neighbours are shared at the ends of stretches alone.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.leakage.protocol import contiguous, scores_of_sets
from bench.tracks.leakage.types import Answer, Problem

REFERENCE = "Burman, Chow and Nolan (1994), Biometrika 81:351-358 (blocks)"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, folds: int = 5) -> Answer:
    outer = contiguous(len(problem.runs), folds)
    return Answer(scores_of_sets(problem, outer, lambda rows: contiguous(len(rows), 3)))
