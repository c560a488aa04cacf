"""The planted subspace at the first site that holds the variable; "not there" on a null."""

from __future__ import annotations

import numpy as np

from bench.tracks.variables.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    if truth.null:
        return Answer(problem.sites[0], np.eye(problem.width)[:, :1], False, np.zeros(len(problem.sites)), 0.0)
    site = int(np.flatnonzero(truth.right)[0])
    return Answer(problem.sites[site], truth.bases[site], True, truth.right.astype(float), 1.0)
