"""Split-half correlation over all targets and stimuli at once."""

from __future__ import annotations

import numpy as np

from bench.neuro.repeats import correlate, mean_response, random_halves
from bench.tracks.ceilings.types import Answer, Problem

MUTANT_OF = "split_half"
TOUCHES = ("planted/offsets",)
DEFECT = "targets differ in their means, which repeat perfectly: the correlation is that of the offsets"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    one, other = random_halves(problem.present, len(problem.present) // 2, rng)
    halves = (mean_response(problem.responses, half).reshape(-1, 1) for half in (one, other))
    r = float(correlate(*halves)[0])
    return Answer(np.full(problem.responses.shape[2], 2 * r / (1 + r)), None, None)
