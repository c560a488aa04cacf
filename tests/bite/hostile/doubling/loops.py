"""Loops for ever."""

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        while True:
            pass
    return Answer(2 * problem.signal, [])
