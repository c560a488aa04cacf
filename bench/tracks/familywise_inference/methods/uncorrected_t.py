"""t-test of every site by itself.

What each site would have as the only one: no claim about the family. It shows what correction is for.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.clusters import t_maps
from bench.kernels.resampling import student_p
from bench.tracks.familywise_inference.types import Answer, Problem

REFERENCE = "Student (1908), Biometrika 6:1-25"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return Answer(student_p(t_maps(problem.effects), problem.effects.shape[1] - 1))
