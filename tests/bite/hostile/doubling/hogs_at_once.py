"""Asks for a terabyte."""

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        np.empty(2**37)
    return Answer(2 * problem.signal, [])
