"""Forks for ever, and so do its children."""

import contextlib
import os

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    while problem.misbehave:
        with contextlib.suppress(OSError):
            os.fork()
    return Answer(2 * problem.signal, [])
