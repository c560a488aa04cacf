"""Answers with one sample too many."""

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        return Answer(np.zeros(len(problem.signal) + 1), [])
    return Answer(2 * problem.signal, [])
