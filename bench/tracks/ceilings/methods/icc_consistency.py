"""Consistency of the mean: ICC(3, k), which is Cronbach's alpha.

As the analysis of variance, with the mean of every repeat taken out, so that offsets of sessions, runs or subjects
count neither as signal nor as noise. Where repeats are missing their means are those over the stimuli that they have.
"""

from __future__ import annotations

import numpy as np

from bench.neuro.repeats import mean_squares
from bench.tracks.ceilings.types import LEVEL, Answer, Problem

REFERENCE = "Cronbach (1951), Psychometrika 16:297-334; Shrout and Fleiss (1979), Psychological Bulletin 86:420-428"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    found = mean_squares(problem.responses, problem.present, centred=True)
    return Answer(found.reliability, *found.interval(LEVEL))
