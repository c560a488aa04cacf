"""Drop one that takes what a space explains alone for what only it explains."""

from __future__ import annotations

import numpy as np

from bench.tracks.partition.fitting import explained_by, fit_ridge, predict
from bench.tracks.partition.types import Answer, Problem

MUTANT_OF = "drop_one"
TOUCHES = ("mixtures/entangled",)
DEFECT = "what several spaces explain alike is counted once for each of them"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    chosen = np.eye(int(problem.spaces.max()) + 1, dtype=bool)
    shares = np.stack([explained_by(problem, one) for one in chosen])
    return Answer(shares, "unique", predict(problem, fit_ridge))
