"""Writes without end into every pipe that it finds open."""

import os

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    while problem.misbehave:
        for end in range(3, 20):
            try:
                os.write(end, b"x" * 60_000)
            except OSError:
                continue
    return Answer(2 * problem.signal, [])
