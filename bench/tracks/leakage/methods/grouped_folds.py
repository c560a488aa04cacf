"""Leave one run out.

Each run is held out in turn, and the penalty is chosen on whole runs of the others.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.leakage.protocol import inner_runs, run_folds, scores_of_sets
from bench.tracks.leakage.types import Answer, Problem

REFERENCE = "Varoquaux et al. (2017), NeuroImage 145:166-179 (leave whole runs or sessions out)"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return Answer(scores_of_sets(problem, run_folds(problem), inner_runs(problem)))
