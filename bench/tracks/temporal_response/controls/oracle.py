"""The planted kernels, their peaks, and which targets respond."""

from __future__ import annotations

import numpy as np

from bench.tracks.temporal_response.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    return Answer(truth.kernels, np.where(truth.acts.any(axis=0), 0.0, 1.0), truth.peaks)
