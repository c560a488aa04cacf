"""Random scores, and each candidate called the same with chance one half."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_comparison.types import Answer, Problem

ROLE = "floor"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    candidates = len(problem.start) - 1
    return Answer(rng.random(candidates), rng.random(candidates) < 0.5)
