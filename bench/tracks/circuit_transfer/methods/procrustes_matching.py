"""Orthogonal Procrustes similarity of what nodes write, with a best assignment.

Two nodes are as alike as a rotation can make their centred outputs of norm 1. Roles get different nodes, so that the
sum is largest; a role is found where its node's similarity reaches the threshold.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_transfer.experiment import Experiment
from bench.tracks.circuit_transfer.matching import assigned
from bench.tracks.circuit_transfer.similarity import procrustes
from bench.tracks.circuit_transfer.types import Answer, Problem

REFERENCE = "Schoenemann (1966), A generalized solution of the orthogonal Procrustes problem, Psychometrika 31:1-10"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, threshold: float = 0.7) -> Answer:
    experiment = Experiment(problem)
    return assigned(experiment.written_likeness(procrustes), experiment.allowed, threshold)
