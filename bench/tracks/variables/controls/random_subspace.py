"""A uniformly drawn subspace of the variable's dimension at a uniformly drawn site."""

from __future__ import annotations

import numpy as np

from bench.tracks.variables.subspace import random_subspace
from bench.tracks.variables.types import Answer, Problem

ROLE = "floor"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    site = problem.sites[rng.integers(len(problem.sites))]
    return Answer(site, random_subspace(problem.width, problem.dimension, rng), True)
