"""Leaves folders behind that their owner may not enter."""

import os

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        os.makedirs("closed/inside")
        os.chmod("closed", 0)
        os.chmod(os.environ["TMPDIR"], 0)
    return Answer(2 * problem.signal, [])
