"""Effects of exchanges, string by string and position by position.

Each node in turn writes what it does on another string, the same one in both models; how far the output moves at every
position is its signature. Two nodes are as alike as their signatures correlate. Roles get different nodes by the best
assignment.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_transfer.experiment import Experiment
from bench.tracks.circuit_transfer.matching import assigned
from bench.tracks.circuit_transfer.similarity import correlation
from bench.tracks.circuit_transfer.types import Answer, Problem

REFERENCE = "Geiger et al. (2021), Causal abstractions of neural networks, NeurIPS, arXiv:2106.02997 (interchange)"


def solve(problem: Problem, rng: np.random.Generator, *, rounds: int = 3, threshold: float = 0.4) -> Answer:
    experiment = Experiment(problem, rounds)
    a, b = experiment.signatures(rng, rounds)
    alike = np.array([[correlation(x, y) for y in b] for x in a])
    return assigned(alike, experiment.allowed, threshold)
