"""The population's product measure, and the test responses without noise."""

from __future__ import annotations

import numpy as np

from bench.kernels.shares import ESTIMANDS
from bench.tracks.partition.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    return Answer(truth.shares[ESTIMANDS.index("product")], "product", truth.test_signal)
