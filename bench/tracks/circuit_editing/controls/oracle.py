"""The edit made by hand in the MLP that holds the rule."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_editing.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    return Answer(truth.changes)
