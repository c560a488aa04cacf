"""From how alike nodes of two models are to an answer: one node a role, and no node twice."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import linear_sum_assignment

from bench.tracks.circuit_transfer.types import Answer


def layer_and_head(node: str) -> tuple[int, int]:
    """Numbers of a node; those of an MLP end in 0: "a1.h2" -> (1, 2), "m1" -> (1, 0)."""
    layer, _, head = node[1:].partition(".h")
    return int(layer), int(head or 0)


def of_one_kind(roles: list[str], nodes: list[str]) -> Bool[np.ndarray, "roles nodes"]:
    """Whether both are heads, or both MLPs."""
    return np.array([[role[0] == node[0] for node in nodes] for role in roles])


def assigned(
    alike: Float[np.ndarray, "roles nodes"], allowed: Bool[np.ndarray, "roles nodes"], threshold: float
) -> Answer:
    """The assignment of different nodes to roles with the largest sum of likeness (Kuhn 1955, Nav. Res. Logist.).

    Likeness lies in [0, 1]. A role is found where that of its node reaches the threshold. The node assigned comes first
    in its row, the others after it by their likeness. A role that is left over, or whose node is not alike at all, is
    not found and keeps its likenesses as scores.
    """
    alike = np.where(allowed, alike, -1.0)
    roles, nodes = linear_sum_assignment(alike, maximize=True)
    scores, found = alike.copy(), np.zeros(len(alike), bool)
    chosen = alike[roles, nodes] > 0
    scores[roles[chosen], nodes[chosen]] += 2.0
    found[roles[chosen]] = alike[roles[chosen], nodes[chosen]] >= threshold
    return Answer(scores, found)
