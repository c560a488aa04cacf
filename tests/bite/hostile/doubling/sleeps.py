"""Sleeps for ever."""

import time

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        time.sleep(10_000)
    return Answer(2 * problem.signal, [])
