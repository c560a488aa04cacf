"""Raises an exception."""

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        raise RuntimeError("the matrix is singular")
    return Answer(2 * problem.signal, [])
