"""The subject's signal without noise."""

from __future__ import annotations

import numpy as np

from bench.tracks.subjects.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    return Answer(truth.signal, 0.0)
