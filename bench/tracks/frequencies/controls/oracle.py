"""The loss of margin without each frequency, and the certified set; used frequencies before all others."""

from __future__ import annotations

import numpy as np

from bench.tracks.frequencies.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    return Answer(truth.falls + truth.uses, truth.uses)
