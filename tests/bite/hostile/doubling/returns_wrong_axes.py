"""Answers with a matrix."""

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        return Answer(np.zeros((3, 3)), [])
    return Answer(2 * problem.signal, [])
