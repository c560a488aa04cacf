"""Scores and p drawn at random."""

from __future__ import annotations

import numpy as np

from bench.tracks.similarity.types import Answer, Problem

ROLE = "floor"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    shape = (len(problem.responses), len(problem.candidates))
    return Answer(rng.normal(size=shape), rng.uniform(size=shape[0]), np.full(shape, 1 / shape[1]))
