"""Drop one whose R^2 is that of the rows that were fitted."""

from __future__ import annotations

import numpy as np

from bench.tracks.partition.fitting import fit_ridge, predict, standardise
from bench.tracks.partition.types import Answer, Problem

MUTANT_OF = "drop_one"
TOUCHES = ("mixtures/buried",)
DEFECT = "every space explains some of the noise of the rows it was fitted to, the larger the more"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    data, _, _ = standardise(problem, np.arange(len(problem.groups)))

    def explained(chosen: np.ndarray) -> np.ndarray:
        error = np.square(data.responses - data.features @ fit_ridge(data, chosen)).sum(axis=0)
        return 1 - error / np.square(data.responses).sum(axis=0)

    every = explained(np.ones(data.count, bool))
    without = [explained(np.arange(data.count) != space) for space in range(data.count)]
    return Answer(every - np.stack(without), "unique", predict(problem, fit_ridge))
