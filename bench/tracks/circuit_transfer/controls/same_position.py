"""The node of B that stands where the role's node does in A: nearest in layers, then in number."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_transfer.matching import layer_and_head, of_one_kind
from bench.tracks.circuit_transfer.types import Answer, Problem

ROLE = "floor"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    a, b = (np.array([layer_and_head(node) for node in nodes]) for nodes in (problem.roles, problem.nodes))
    away = np.abs(a[:, None] - b)
    near = 1.0 / (1.0 + away[:, :, 0] + away[:, :, 1] / (1.0 + away[:, :, 1].max()))
    return Answer(near * of_one_kind(problem.roles, problem.nodes), np.ones(len(problem.roles), bool))
