"""Bootstrap over subjects and stimuli, corrected for what is counted thrice.

From the variances of the bootstraps over subjects, over stimuli and over both, that over new ones of both kinds, with
the factors of small samples; not below either single one and not above that of both.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.rdm_resampling import bootstrap_spreads, two_factor_variance
from bench.kernels.resampling import student_p
from bench.tracks.model_inference.types import Answer, Problem

REFERENCE = "Schuett et al. (2023), eLife 12:e82566 (corrected two-factor bootstrap)"
NEEDS = ()
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 100) -> Answer:
    found = bootstrap_spreads(problem.first, problem.second, problem.brain, problem.stimuli, draws, rng)
    sizes = problem.brain.shape[1], problem.stimuli
    variance = two_factor_variance(found, *sizes)
    return Answer(student_p(found.difference / np.sqrt(variance), min(sizes) - 1))
