"""Centres the signal in place."""

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        problem.signal[:] -= problem.signal.mean()
    return Answer(2 * problem.signal, [])
