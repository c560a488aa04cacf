"""Linear maps between what nodes write, both ways, on held-out strings.

Two nodes are as alike as the smaller of two shares of variance: what the one's output explains of the other's, and the
other way round, on strings that were not fitted. It asks for the same information up to any linear map, where the
alignment of kernels asks for the same shape. Roles get different nodes by the best assignment.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_transfer.experiment import Experiment
from bench.tracks.circuit_transfer.matching import assigned
from bench.tracks.circuit_transfer.similarity import explained
from bench.tracks.circuit_transfer.types import Answer, Problem

REFERENCE = "Li et al. (2016), Convergent learning: do different neural networks learn the same representations?, ICLR"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, threshold: float = 0.6) -> Answer:
    experiment = Experiment(problem)

    def likeness(x: np.ndarray, y: np.ndarray) -> float:
        return min(explained(x, y, experiment.groups), explained(y, x, experiment.groups))

    return assigned(experiment.written_likeness(likeness), experiment.allowed, threshold)
