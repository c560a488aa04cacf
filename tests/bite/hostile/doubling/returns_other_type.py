"""Returns a bare array."""

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        return 2 * problem.signal
    return Answer(2 * problem.signal, [])
