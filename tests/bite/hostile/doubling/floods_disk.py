"""Writes many files."""

import time

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        for number in range(40):
            with open(f"part{number}", "wb") as file:
                file.write(bytes(2**22))
        time.sleep(1000)
    return Answer(2 * problem.signal, [])
