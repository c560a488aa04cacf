"""Attention patterns of heads, correlated over the same strings; MLPs are left unmatched.

Two heads are as alike as their attention from scored positions correlates, over strings, queries and keys. A head that
looks where the role's head does and hands on something else is as alike. Roles of MLPs are said to be missing.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_transfer.experiment import Experiment, Side
from bench.tracks.circuit_transfer.matching import assigned
from bench.tracks.circuit_transfer.similarity import correlation
from bench.tracks.circuit_transfer.types import Answer, Problem

REFERENCE = "Olsson et al. (2022), In-context learning and induction heads, arXiv:2209.11895 (heads named by pattern)"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, threshold: float = 0.85) -> Answer:
    experiment = Experiment(problem)
    alike = np.array([[_alike(experiment.a, a, experiment.b, b) for b in problem.nodes] for a in problem.roles])
    return assigned(alike, experiment.allowed, threshold)


def _alike(side_a: Side, a: str, side_b: Side, b: str) -> float:
    if not (a in side_a.patterns and b in side_b.patterns):
        return 0.0
    queries = side_a.scored.numpy()
    return correlation(side_a.patterns[a][:, queries], side_b.patterns[b][:, queries])
