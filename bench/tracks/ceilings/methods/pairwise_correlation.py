"""Mean correlation of pairs of repeats (corrected explained variance), taken to the mean of all.

The mean pairwise r is the corrected explained variance of standardised repeats and estimates the reliability of one;
Spearman-Brown takes it to the (harmonic) number of repeats. It standardises every repeat.
"""

from __future__ import annotations

import numpy as np

from bench.neuro.repeats import pairwise, prophecy
from bench.tracks.ceilings.types import Answer, Problem

REFERENCE = "Sahani and Linden (2003), NIPS 15; Hsu, Borst and Theunissen (2004), Network 15:91-109"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    share = float((1 / problem.present.sum(axis=0)).mean())
    return Answer(np.minimum(prophecy(pairwise(problem.responses, problem.present), share), 1.0), None, None)
