"""Cluster mass against a null in which every site has its own signs."""

from __future__ import annotations

import numpy as np
from scipy import special

from bench.kernels.clusters import cluster_masses, t_maps
from bench.kernels.resampling import monte_carlo_p
from bench.tracks.familywise_inference.types import Answer, Problem

MUTANT_OF = "cluster_mass"
TOUCHES = ("fields/few_subjects_null",)
METRIC = "family_wise_05"
DEFECT = "signs that differ between neighbours break the smoothness of the null, and no large cluster comes by chance"


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 49) -> Answer:
    threshold = float(special.stdtrit(problem.effects.shape[1] - 1, 0.975))
    observed = cluster_masses(t_maps(problem.effects), threshold, problem.grid)
    null = []
    for _ in range(draws):
        signs = rng.choice([-1.0, 1.0], size=problem.effects.shape)
        null.append(cluster_masses(t_maps(signs * problem.effects), threshold, problem.grid).max(axis=1))
    p = monte_carlo_p(observed, np.stack(null, axis=1)[:, None])
    return Answer(np.where(observed > 0, p, 1.0))
