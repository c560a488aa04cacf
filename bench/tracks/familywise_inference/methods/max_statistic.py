"""Largest t over sites under sign flips.

Every |t| against the largest |t| of the map under random signs of whole subjects (all of them where they are few):
exact for the family where subjects are symmetric, whatever the dependence of sites.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.clusters import null_maxima, t_maps
from bench.kernels.resampling import monte_carlo_p, sign_flips
from bench.tracks.familywise_inference.types import Answer, Problem

REFERENCE = "Nichols and Holmes (2002), Human Brain Mapping 15:1-25; Westfall and Young (1993)"
NEEDS = ()
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 199) -> Answer:
    flips = sign_flips(draws, problem.effects.shape[1], rng)
    null = null_maxima(problem.effects, flips, np.abs)
    return Answer(monte_carlo_p(np.abs(t_maps(problem.effects)), null[:, None]))
