"""Regression one way: what B's node explains of A's, and not the other way round."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_transfer.experiment import Experiment
from bench.tracks.circuit_transfer.matching import assigned
from bench.tracks.circuit_transfer.similarity import explained
from bench.tracks.circuit_transfer.types import Answer, Problem

MUTANT_OF = "mutual_regression"
TOUCHES = ("compiled/counts_shared", "compiled/order_shared")
METRIC = "absence"
DEFECT = "a node that knows everything explains any other, and is taken for it"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    return assigned(
        experiment.written_likeness(lambda x, y: explained(y, x, experiment.groups)), experiment.allowed, 0.6
    )
