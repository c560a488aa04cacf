"""The ideal observer: generalised least squares with the covariance of the noise known."""

from __future__ import annotations

import numpy as np

from bench.core.contract import Unsupported
from bench.tracks.inference.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    if truth.ideal is None:
        raise Unsupported("the noise is recorded, not planted: nobody knows its covariance")
    return Answer(truth.ideal)
