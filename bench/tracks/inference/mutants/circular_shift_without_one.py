"""Circular shift with b / n for (b + 1) / (n + 1)."""

from __future__ import annotations

import numpy as np

from bench.kernels.resampling import shifted_correlations, standardise_rows
from bench.tracks.inference.types import Answer, Problem

MUTANT_OF = "circular_shift"
TOUCHES = ("series/short_null",)
METRIC = "false_positives_01"
DEFECT = "what was observed is not counted among the values of its null: the largest of 40 has p = 0"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    r = np.abs(shifted_correlations(standardise_rows(problem.feature), standardise_rows(problem.response)))
    return Answer((r[:, 1:] >= r[:, :1]).mean(axis=1))
