"""The lower a frequency the higher its score, and none is named: knows nothing of the network."""

from __future__ import annotations

import numpy as np

from bench.tracks.frequencies.types import Answer, Problem

ROLE = "floor"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    size = (problem.modulus - 1) // 2
    return Answer(-np.arange(size, dtype=float), np.zeros(size, bool))
