"""The correlation of each repeat with the mean of the others, taken for the reliability."""

from __future__ import annotations

import numpy as np

from bench.neuro.repeats import correlate
from bench.tracks.ceilings.types import Answer, Problem

MUTANT_OF = "leave_one_out"
TOUCHES = ("planted/plenty", "planted/slow")
DEFECT = "r is on the scale of a correlation, sqrt(rho_1 rho_(R-1)), not the reliability of the mean"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    values, total = problem.responses, problem.responses.sum(axis=0)
    return Answer(np.mean([correlate(one, total - one) for one in values], axis=0), None, None)
