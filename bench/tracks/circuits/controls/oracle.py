"""The true circuit and the true effects."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuits.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    return Answer(truth.effects, truth.live, truth.node_live.astype(float))
