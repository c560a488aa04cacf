"""The first of the true circuits, its edges ranked by their true effects where these are known."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuits.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    circuit = truth.circuits[0] if len(truth.circuits) else np.ones(len(problem.edges), dtype=bool)
    nodes = None if truth.node_live is None else truth.node_live.astype(float)
    return Answer(circuit + _shares(truth.effects, circuit), circuit, nodes, circuit.astype(float))


def _shares(effects: np.ndarray | None, among: np.ndarray) -> np.ndarray:
    """Effects in [0, 1): they order the edges within the circuit, and those outside, and nothing across."""
    if effects is None:
        return np.zeros(len(among))
    return 0.5 * effects / (effects.max() or 1.0)
