"""t-tests with the false discovery rate of Benjamini and Hochberg.

Adjusted p of the step-up procedure. Where nothing is there its false discovery rate is the family-wise error, so that
it keeps that too (weakly); beside true effects it allows one false site in twenty found.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.clusters import step_up, t_maps
from bench.kernels.resampling import student_p
from bench.tracks.familywise_inference.types import Answer, Problem

REFERENCE = "Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57:289-300"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return Answer(step_up(student_p(t_maps(problem.effects), problem.effects.shape[1] - 1)))
