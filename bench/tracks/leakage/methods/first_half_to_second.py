"""Train on the first half of the runs, test on the second.

One split and no folds: nothing is shared, half of the data trains.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.leakage.protocol import inner_runs, run_folds, scores_of_sets
from bench.tracks.leakage.types import Answer, Problem

REFERENCE = "Larson (1931), Journal of Educational Psychology 22:45-55 (one split)"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    runs = run_folds(problem)
    first, second = np.concatenate(runs[: len(runs) // 2]), runs[len(runs) // 2 :]
    return Answer(scores_of_sets(problem, second, inner_runs(problem), lambda held: first))
