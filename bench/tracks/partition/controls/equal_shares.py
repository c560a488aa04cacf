"""Equal shares of the variance that all spaces explain, and no prediction; which one leads is drawn."""

from __future__ import annotations

import numpy as np

from bench.tracks.partition.types import Answer, Problem, Truth

ROLE = "floor"
READS_TRUTH = True
TIE = 1e-6  # so that the largest share is a random one


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    spaces = truth.shares.shape[1]
    shares = truth.explained / spaces * (1 + TIE * rng.normal(size=(spaces, len(truth.explained))))
    predictions = np.tile(problem.responses.mean(axis=0), (len(problem.test_features), 1))
    return Answer(shares, "product", predictions)
