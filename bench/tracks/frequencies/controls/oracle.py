"""The loss of margin without each frequency, used ones before all others, and the certified set."""

from __future__ import annotations

import numpy as np

from bench.tracks.frequencies.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    return Answer(truth.falls + truth.uses, truth.uses)
