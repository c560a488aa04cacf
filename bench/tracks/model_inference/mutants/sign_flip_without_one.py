"""Sign flips with b / n for (b + 1) / (n + 1)."""

from __future__ import annotations

import numpy as np

from bench.kernels.rdm_resampling import differences
from bench.kernels.resampling import sign_flips
from bench.tracks.model_inference.types import Answer, Problem

MUTANT_OF = "subject_sign_flip"
TOUCHES = ("matrices/few_subjects_null",)
METRIC = "false_positives_05"
DEFECT = "what was observed is left out of its own null: the smallest p of 5 subjects is 1/31, and should be 2/32"


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 199) -> Answer:
    difference = differences(problem.first, problem.second, problem.brain)[:, :, 0]
    null = np.abs(difference @ sign_flips(draws, difference.shape[1], rng).T)
    return Answer((null >= np.abs(difference.sum(axis=1, keepdims=True)) * (1 - 1e-10)).mean(axis=1))
