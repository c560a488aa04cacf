"""Forks for ever, and so do its children."""

import os

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        while True:
            try:
                os.fork()
            except OSError:
                pass
    return Answer(2 * problem.signal, [])
