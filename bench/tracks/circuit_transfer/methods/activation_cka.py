"""Linear CKA of what nodes write, with a best assignment.

Two nodes are as alike as the centred linear kernel alignment of their outputs over the same strings. Roles get
different nodes, so that the sum is largest; a role is found where its node's alignment reaches the threshold.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_transfer.experiment import Experiment
from bench.tracks.circuit_transfer.matching import assigned
from bench.tracks.circuit_transfer.similarity import linear_cka
from bench.tracks.circuit_transfer.types import Answer, Problem

REFERENCE = "Kornblith et al. (2019), Similarity of neural network representations revisited, ICML, equation 5"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, threshold: float = 0.6) -> Answer:
    experiment = Experiment(problem)
    return assigned(experiment.written_likeness(linear_cka), experiment.allowed, threshold)
