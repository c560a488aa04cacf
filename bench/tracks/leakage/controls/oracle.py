"""What can be reached with each set."""

from __future__ import annotations

import numpy as np

from bench.tracks.leakage.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    return Answer(truth.attainable)
