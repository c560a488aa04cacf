"""Sign flips that hold every site against its own null, not against the largest of the map."""

from __future__ import annotations

import numpy as np

from bench.kernels.clusters import flipped_t_maps, t_maps
from bench.kernels.resampling import in_chunks, monte_carlo_p, sign_flips
from bench.tracks.familywise_inference.types import Answer, Problem

MUTANT_OF = "max_statistic"
TOUCHES = ("fields/few_subjects_null",)
METRIC = "family_wise_05"
DEFECT = "the family is forgotten: each site has a valid p, and some site nearly always has a small one"


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 199) -> Answer:
    flips = sign_flips(draws, problem.effects.shape[1], rng)

    def p(effects: np.ndarray) -> np.ndarray:
        null = np.abs(flipped_t_maps(effects, flips))
        return monte_carlo_p(np.abs(t_maps(effects)), null.transpose(0, 2, 1))

    return Answer(in_chunks(p, flips.shape[0] * problem.effects.shape[2], problem.effects))
