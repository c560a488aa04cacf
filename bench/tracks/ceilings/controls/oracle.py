"""The planted reliability."""

from __future__ import annotations

import numpy as np

from bench.tracks.ceilings.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    return Answer(truth.reliability, truth.reliability, truth.reliability)
