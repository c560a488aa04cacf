"""Bootstrap over stimuli.

The mean difference over its bootstrap standard deviation, against t with one degree of freedom less than there are
stimuli. Pairs of a stimulus with its own copy are left out. It
speaks of new stimuli shown to these very subjects.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.rdm_resampling import bootstrap_spreads
from bench.kernels.resampling import student_p
from bench.tracks.model_inference.types import Answer, Problem

REFERENCE = "Efron (1979), Annals of Statistics 7:1-26; Schuett et al. (2023), eLife 12:e82566"
NEEDS = ()
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, draws: int = 100) -> Answer:
    found = bootstrap_spreads(problem.first, problem.second, problem.brain, problem.stimuli, draws, rng)
    return Answer(student_p(found.difference / np.sqrt(found.stimuli), problem.stimuli - 1))
