"""Sign flips of subjects.

|mean difference| against the same with the two models exchanged in random subjects (in all ways where they are few):
exact for new subjects who see these very stimuli.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.rdm_resampling import differences
from bench.kernels.resampling import monte_carlo_p, sign_flips
from bench.tracks.model_inference.types import Answer, Problem

REFERENCE = "Fisher (1935), The Design of Experiments, section 21; Nichols and Holmes (2002), HBM 15:1-25"
NEEDS = ()
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 199) -> Answer:
    difference = differences(problem.first, problem.second, problem.brain)[:, :, 0]
    null = difference @ sign_flips(draws, difference.shape[1], rng).T
    return Answer(monte_carlo_p(np.abs(difference.sum(axis=1)), np.abs(null)))
