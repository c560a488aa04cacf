"""Uniform p-values, drawn without a look at the data, times the number of sites."""

from __future__ import annotations

import numpy as np

from bench.tracks.familywise_inference.types import Answer, Problem

ROLE = "floor"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    sites = problem.effects.shape[2]
    return Answer(np.minimum(rng.random((len(problem.effects), sites)) * sites, 1.0))
