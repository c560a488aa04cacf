"""t-tests with Bonferroni's correction.

p times the number of sites, at most 1: keeps the family-wise error under any dependence, and pays for sites that say
the same as their neighbours.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.clusters import t_maps
from bench.kernels.resampling import student_p
from bench.tracks.familywise_inference.types import Answer, Problem

REFERENCE = "Dunn (1961), Journal of the American Statistical Association 56:52-64"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    p = student_p(t_maps(problem.effects), problem.effects.shape[1] - 1)
    return Answer(np.minimum(p * p.shape[1], 1.0))
