"""Prints some 60 megabytes."""

import sys

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        for _ in range(1000):
            sys.stdout.write("\x1b[31mflood\x1b[0m " * 5000)
        sys.stdout.write("the end")
    return Answer(2 * problem.signal, [])
