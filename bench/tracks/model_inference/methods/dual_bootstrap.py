"""Bootstrap over subjects and stimuli at once.

As the single bootstraps, with both drawn anew in every draw. What is new in every cell of subjects and stimuli (noise)
counts about three times in it, so that the variance is too large and the test careful.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.rdm_resampling import bootstrap_spreads
from bench.kernels.resampling import student_p
from bench.tracks.model_inference.types import Answer, Problem

REFERENCE = "Schuett et al. (2023), eLife 12:e82566 (two-factor bootstrap)"
NEEDS = ()
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 100) -> Answer:
    found = bootstrap_spreads(problem.first, problem.second, problem.brain, problem.stimuli, draws, rng)
    degrees = min(problem.brain.shape[1], problem.stimuli) - 1
    return Answer(student_p(found.difference / np.sqrt(found.both), degrees))
