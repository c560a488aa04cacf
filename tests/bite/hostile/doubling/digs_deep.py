"""Makes folders in folders, deeper than any path may be long."""

import os

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        here = os.getcwd()
        for _ in range(5000):
            os.mkdir("d")
            os.chdir("d")
        os.chdir(here)
    return Answer(2 * problem.signal, [])
