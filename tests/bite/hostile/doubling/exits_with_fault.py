"""Calls sys.exit with a message."""

import sys

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        sys.exit("wrong licence")
    return Answer(2 * problem.signal, [])
