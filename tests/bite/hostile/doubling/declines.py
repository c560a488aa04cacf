"""Declines a unit."""

import numpy as np

from bench.core.contract import Unsupported
from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        raise Unsupported("needs more samples")
    return Answer(2 * problem.signal, [])
