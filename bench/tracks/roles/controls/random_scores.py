"""Uniform random scores; every head plays each role with even odds."""

from __future__ import annotations

import numpy as np

from bench.tracks.roles.types import Answer, Problem

ROLE = "floor"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    size = (len(problem.roles), len(problem.heads))
    return Answer(rng.random(size), rng.random(size) < 0.5)
