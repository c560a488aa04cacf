"""Sample median."""

import numpy as np

from bench.tracks.toy.types import Answer, Problem

REFERENCE = "@misc{median, title = {The median}}"
DETERMINISTIC = True


def solve(problem: Problem, rng) -> Answer:
    return Answer(float(np.median(problem.sample)))
