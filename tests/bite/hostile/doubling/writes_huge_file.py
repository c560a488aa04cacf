"""Writes one file that is too large."""

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        with open("huge", "wb") as file:
            file.seek(2**28)
            file.write(b"end")
    return Answer(2 * problem.signal, [])
