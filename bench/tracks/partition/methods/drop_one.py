"""Drop one: what ridge regression loses without the space.

The held-out R^2 of all spaces less that of all but one, each a ridge regression with a penalty of its own: the unique
share. What several spaces explain alike belongs to none of them.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.partition.fitting import explained_by, fit_ridge, predict
from bench.tracks.partition.types import Answer, Problem

REFERENCE = "Lescroart, Stansbury and Gallant (2015), Frontiers in Computational Neuroscience 9:135"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    spaces = int(problem.spaces.max()) + 1
    every = explained_by(problem, np.ones(spaces, bool))
    without = [explained_by(problem, np.arange(spaces) != space) for space in range(spaces)]
    return Answer(every - np.stack(without), "unique", predict(problem, fit_ridge))
