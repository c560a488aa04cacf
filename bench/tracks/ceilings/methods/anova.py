"""Analysis of variance: the intraclass correlation ICC(1, k) of the mean.

1 - (noise variance of a mean) / (variance of the means), not clipped; balanced, (MSB - MSW) / MSB. The interval comes
from F = MSB / MSW, whose ratio to 1 / (1 - rho) has an F distribution for balanced Gaussian repeats.
"""

from __future__ import annotations

import numpy as np

from bench.neuro.repeats import mean_squares
from bench.tracks.ceilings.types import LEVEL, Answer, Problem

REFERENCE = "Shrout and Fleiss (1979), Psychological Bulletin 86:420-428; McGraw and Wong (1996), 1:30-46, table 7"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    found = mean_squares(problem.responses, problem.present, centred=False)
    return Answer(found.reliability, *found.interval(LEVEL))
