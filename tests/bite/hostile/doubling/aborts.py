"""Calls abort, as a failed assertion in C does."""

import os

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        os.abort()
    return Answer(2 * problem.signal, [])
