"""The active sites."""

from __future__ import annotations

import numpy as np

from bench.tracks.familywise_inference.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    return Answer(np.where(truth.active, 0.0, 1.0))
