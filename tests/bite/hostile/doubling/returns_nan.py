"""Answers with a NaN."""

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        return Answer(np.full_like(problem.signal, np.nan), [])
    return Answer(2 * problem.signal, [])
