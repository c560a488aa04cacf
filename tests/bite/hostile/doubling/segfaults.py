"""Reads address 0."""

import ctypes

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        ctypes.string_at(0)
    return Answer(2 * problem.signal, [])
