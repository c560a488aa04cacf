"""Fills the memory little by little."""

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        hoard = []
        while True:
            hoard.append(np.ones(2**21))
    return Answer(2 * problem.signal, [])
