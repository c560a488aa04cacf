"""Interchange interventions whose effects are matched between networks.

What a node writes on one string is exchanged for what it writes on another, and the change of the output over many
pairs of strings is noted. The pairs are the same for all networks. A node of one network finds its like in another if
the changes are the same in every cell. The score is the share of distinct effects of both networks that find their
like; a candidate is called the same where all do.
Departs from the paper in comparing a network with a network instead of with a causal model, and in exchanging whole
node outputs: two variables that one MLP writes are exchanged together.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bench.tracks.circuit_comparison.experiment import LIVE, Experiment
from bench.tracks.circuit_comparison.types import Answer, Problem

REFERENCE = "Geiger et al. (2021), Causal abstractions of neural networks, NeurIPS, arXiv:2106.02997, section 3"

Effects = Float[np.ndarray, "effects cells"]


def solve(problem: Problem, rng: np.random.Generator, *, pairs: int = 64) -> Answer:
    experiment = Experiment(problem)
    base = experiment.draw(experiment.affordable(pairs), rng)
    source = rng.permutation(base)
    found = [distinct(experiment.interchange(network, base, source)) for network in range(len(problem.start))]
    scores = np.array([matched(found[0], other) for other in found[1:]])
    return Answer(scores, scores == 1.0)


def distinct(changes: Float[np.ndarray, "nodes pairs cells"]) -> Effects:
    """Effects of nodes that have any, each once."""
    flat = changes.reshape(len(changes), -1)
    kept: list[np.ndarray] = []
    for effect in flat[np.abs(flat).max(axis=1) > LIVE]:
        if all(np.abs(effect - known).max() > LIVE for known in kept):
            kept.append(effect)
    return np.array(kept).reshape(len(kept), flat.shape[1])


def matched(one: Effects, other: Effects) -> float:
    """Share of the effects of both networks that the other network has too; 1 where neither has any."""
    alike = np.array([[np.abs(effect - known).max() <= LIVE for known in other] for effect in one], bool)
    alike = alike.reshape(len(one), len(other))
    total = len(one) + len(other)
    return float((alike.any(axis=1).sum() + alike.any(axis=0).sum()) / total) if total else 1.0
