"""Calls sys.exit(0)."""

import sys

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        print("leaving")
        sys.exit(0)
    return Answer(2 * problem.signal, [])
