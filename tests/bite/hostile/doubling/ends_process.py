"""Ends the process with status 0, past every handler."""

import os

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        os._exit(0)
    return Answer(2 * problem.signal, [])
