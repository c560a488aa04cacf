"""Cluster mass under sign flips.

Sites with |t| above the two-sided .05 quantile form clusters of one sign; the mass of a cluster (sum of |t|) is held
against the largest mass of the map under random signs of whole subjects. Every site has its cluster's p, which speaks
of the cluster and of no single site in it.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from bench.kernels.clusters import cluster_masses, null_maxima, t_maps
from bench.kernels.resampling import monte_carlo_p, sign_flips
from bench.tracks.familywise_inference.types import Answer, Problem

REFERENCE = "Maris and Oostenveld (2007), Journal of Neuroscience Methods 164:177-190"
NEEDS = ()
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 199, forming: float = 0.05) -> Answer:
    subjects = problem.effects.shape[1]
    threshold = float(special.stdtrit(subjects - 1, 1 - forming / 2))

    def mass(t: np.ndarray) -> np.ndarray:
        return cluster_masses(t, threshold, problem.grid)

    null = null_maxima(problem.effects, sign_flips(draws, subjects, rng), mass)
    observed = mass(t_maps(problem.effects))
    return Answer(np.where(observed > 0, monte_carlo_p(observed, null[:, None]), 1.0))
