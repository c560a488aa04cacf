"""The planted signal without its noise."""

from __future__ import annotations

import numpy as np

from bench.core.contract import Unsupported
from bench.tracks.encoding.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    if truth.noiseless is None:
        raise Unsupported("the responses are recorded, not planted: nobody knows them without noise")
    return Answer(truth.noiseless)
