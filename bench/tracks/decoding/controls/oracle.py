"""The likelihood-optimal decisions with the planted parameters, and what was planted."""

from __future__ import annotations

import numpy as np

from bench.core.contract import Unsupported
from bench.tracks.decoding.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    sets = len(problem.train_trials)
    if truth.null:
        return Answer(
            np.zeros((*problem.test_trials.shape[:2], problem.classes)), np.ones(sets), None, None, None, None
        )
    if truth.ideal is None:
        raise Unsupported("the trials are recorded, not planted: nobody knows how they are drawn")
    return Answer(
        scores=truth.ideal,
        p_values=np.zeros(sets),
        onset=truth.onset,
        dynamics=None if truth.dynamics is None else [truth.dynamics] * sets,
        pattern=None if truth.topographies is None else truth.topographies[:, 0],
        attribution=None,
    )
