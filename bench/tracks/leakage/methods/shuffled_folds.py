"""Shuffled folds.

Single samples are held out at random, five folds, and the penalty is chosen in the same way: neighbours of every
held-out sample are trained on.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.leakage.protocol import scores_of_sets
from bench.tracks.leakage.types import Answer, Problem

REFERENCE = "Stone (1974), Journal of the Royal Statistical Society B 36:111-147 (cross-validation of independent rows)"
NEEDS = ()
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, folds: int = 5) -> Answer:
    def shuffled(rows: np.ndarray, count: int) -> list[np.ndarray]:
        return np.array_split(rng.permutation(len(rows)), count)

    outer = shuffled(problem.runs, folds)
    return Answer(scores_of_sets(problem, outer, lambda rows: shuffled(rows, 3)))
