"""Effects of exchanges times what nodes write.

Two nodes are as alike as the correlation of their effects, as in `effect_signature`, times the smaller share of
variance that what one writes explains of the other, as in `mutual_regression`: the same information, used alike.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_transfer.experiment import Experiment
from bench.tracks.circuit_transfer.matching import assigned
from bench.tracks.circuit_transfer.similarity import correlation, explained
from bench.tracks.circuit_transfer.types import Answer, Problem

REFERENCE = "Geiger et al. (2021), Causal abstractions of neural networks, NeurIPS, arXiv:2106.02997 (interchange)"


def solve(problem: Problem, rng: np.random.Generator, *, rounds: int = 3, threshold: float = 0.2) -> Answer:
    experiment = Experiment(problem, rounds)
    a, b = experiment.signatures(rng, rounds)
    effects = np.array([[correlation(x, y) for y in b] for x in a])

    def likeness(x: np.ndarray, y: np.ndarray) -> float:
        return min(explained(x, y, experiment.groups), explained(y, x, experiment.groups))

    return assigned(effects * experiment.written_likeness(likeness), experiment.allowed, threshold)
