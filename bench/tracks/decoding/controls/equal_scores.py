"""Every class equally likely in every trial, and no claim."""

from __future__ import annotations

import numpy as np

from bench.tracks.decoding.types import Answer, Problem

ROLE = "floor"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    scores = np.zeros((*problem.test_trials.shape[:2], problem.classes))
    return Answer(scores, np.ones(len(scores)), None, None, None, None)
