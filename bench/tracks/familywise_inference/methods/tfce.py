"""Threshold-free cluster enhancement under sign flips.

Every site has the sum over heights of (size of its cluster there)^.5 height^2, each sign by itself, held against the
largest of the map under random signs of whole subjects: neither a forming threshold nor one p for a whole cluster.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.clusters import null_maxima, t_maps, threshold_free
from bench.kernels.resampling import monte_carlo_p, sign_flips
from bench.tracks.familywise_inference.types import Answer, Problem

REFERENCE = "Smith and Nichols (2009), NeuroImage 44:83-98, doi:10.1016/j.neuroimage.2008.03.061"
NEEDS = ()
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 99, step: float = 0.5) -> Answer:
    def enhanced(t: np.ndarray) -> np.ndarray:
        return threshold_free(t, step, problem.grid)

    null = null_maxima(problem.effects, sign_flips(draws, problem.effects.shape[1], rng), enhanced)
    observed = enhanced(t_maps(problem.effects))
    return Answer(np.where(observed > 0, monte_carlo_p(observed, null[:, None]), 1.0))
