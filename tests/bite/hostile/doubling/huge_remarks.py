"""Answers with 40 megabytes of text."""

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        return Answer(2 * problem.signal, ["x" * 1000] * 40_000)
    return Answer(2 * problem.signal, [])
