"""Paired t-test over subjects.

t of the subjects' differences of correlations. It speaks of new subjects who see these very stimuli.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.clusters import t_maps
from bench.kernels.rdm_resampling import differences
from bench.kernels.resampling import student_p
from bench.tracks.model_inference.types import Answer, Problem

REFERENCE = "Student (1908), Biometrika 6:1-25; Nili et al. (2014), PLoS Computational Biology 10:e1003553"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    t = t_maps(differences(problem.first, problem.second, problem.brain))[:, 0]
    return Answer(student_p(t, problem.brain.shape[1] - 1))
