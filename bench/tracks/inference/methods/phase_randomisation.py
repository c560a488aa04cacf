"""Random Fourier phases.

|r| against |r| with the phases of the series drawn anew: surrogates keep the power spectrum, and so the circular
autocorrelation, and lose everything else.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.resampling import monte_carlo_p, phase_correlations, standardise_rows
from bench.tracks.inference.types import Answer, Problem

REFERENCE = "Theiler et al. (1992), Physica D 58:77-94, doi:10.1016/0167-2789(92)90102-S"
NEEDS = ()
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 199) -> Answer:
    x, y = standardise_rows(problem.feature), standardise_rows(problem.response)
    null = phase_correlations(x, y, draws, rng)
    return Answer(monte_carlo_p(np.abs((x * y).sum(axis=1)), np.abs(null)))
