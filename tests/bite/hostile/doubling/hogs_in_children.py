"""Fills the memory in several processes, each within its own limit."""

import os
import time

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        for _ in range(6):
            if os.fork() == 0:
                hoard = [np.ones(2**25)]
                time.sleep(1000 * len(hoard))
        time.sleep(1000)
    return Answer(2 * problem.signal, [])
