"""One reliability for all targets: their mean squares added up."""

from __future__ import annotations

import numpy as np

from bench.neuro.repeats import mean_squares
from bench.tracks.ceilings.types import Answer, Problem

ROLE = "floor"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    spread = problem.responses.std(axis=(0, 1))
    found = mean_squares(problem.responses / spread, problem.present, centred=True)
    pooled = 1 - found.share * found.noise.sum() / found.of_means.sum()
    return Answer(np.full(len(found.noise), pooled), None, None)
