"""Sorted sizes of the effects of patching each head and MLP.

Each node is exchanged for what it writes on other strings; the mean change of the output is its effect. Networks are
compared by their effects in descending order, which no permutation of nodes alters: the score is minus the sum of
absolute differences. A candidate is called the same where every effect agrees within `share` of the largest.
Departs from the paper in comparing the table of effects of two networks instead of reading one.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bench.tracks.circuit_comparison.experiment import Experiment
from bench.tracks.circuit_comparison.types import Answer, Problem

REFERENCE = "Vig et al. (2020), Investigating gender bias with causal mediation analysis, NeurIPS, arXiv:2004.12265"


def solve(problem: Problem, rng: np.random.Generator, *, pairs: int = 48, share: float = 0.01) -> Answer:
    experiment = Experiment(problem)
    base = experiment.draw(experiment.affordable(pairs), rng)
    source = rng.permutation(base)
    found = [profile(experiment.interchange(network, base, source)) for network in range(len(problem.start))]
    longest = max(map(len, found))
    table = np.array([np.pad(effects, (0, longest - len(effects))) for effects in found])
    apart = np.abs(table[1:] - table[0])
    return Answer(-apart.sum(axis=1), apart.max(axis=1) <= share * table[0].max())


def profile(changes: Float[np.ndarray, "nodes pairs cells"]) -> Float[np.ndarray, "nodes"]:
    """Mean over pairs of the Euclidean change of the output, the largest first."""
    return np.sort(np.linalg.norm(changes, axis=2).mean(axis=1))[::-1]
