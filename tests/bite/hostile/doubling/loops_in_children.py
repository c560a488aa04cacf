"""Loops for ever in child processes, and idles itself."""

import os
import time

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        for _ in range(2):
            if os.fork() == 0:
                while True:
                    pass
        time.sleep(1000)
    return Answer(2 * problem.signal, [])
