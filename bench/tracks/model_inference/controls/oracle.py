"""The observed difference in its true null distribution."""

from __future__ import annotations

import numpy as np

from bench.tracks.model_inference.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    return Answer(truth.ideal)
