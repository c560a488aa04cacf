"""What the page draws of a unit: the residual graph laid out by layer, the right circuits, and each answer's edges.

`picture` is the part that all answers share, `drawn` what one answer adds; both are plain JSON. A track that has such a
file gets a page of pictures (`bench.core.pictures`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.models.graph import INPUTS, node_of
from bench.tracks.circuits.types import Answer, Problem, Truth

DIGITS = 4  # significant, of a score


def picture(problem: Problem, truth: Truth) -> dict[str, Any]:
    """Nodes with their places (x: column in the order of the computation, y: place in it), edges, circuits.

    An edge is [name, source, target, part]: indices of nodes and "q", "k", "v" or "". At node granularity source and
    target are the same node. `circuits` are lists of indices of edges, one for each equally right circuit.
    """
    return {
        "nodes": [[name, x, y] for name, (x, y) in zip(problem.nodes, places(problem.nodes), strict=True)],
        "edges": [[name, *ends(name, problem.nodes)] for name in problem.edges],
        "circuits": [np.flatnonzero(circuit).tolist() for circuit in truth.circuits],
        "null": truth.null,
    }


def drawn(problem: Problem, answer: Answer) -> dict[str, Any]:
    """The score of every edge and the indices of those that the method chose."""
    return {
        "scores": [float(f"{score:.{DIGITS}g}") for score in answer.edge_scores],
        "chosen": np.flatnonzero(answer.circuit).tolist(),
    }


def places(nodes: Sequence[str]) -> list[tuple[int, float]]:
    """Inputs, then the heads and the MLP of each layer, then the output, each column centred."""
    columns = [column(name) for name in nodes]
    order = sorted(set(columns))
    found = []
    for index, own in enumerate(columns):
        mates = [place for place, other in enumerate(columns) if other == own]
        found.append((order.index(own), mates.index(index) - (len(mates) - 1) / 2))
    return found


def column(node: str) -> tuple[int, int]:
    """Sorts as the computation goes: embeddings, heads of layer 0, MLP of layer 0, ..., the output."""
    if node in INPUTS:
        return (-1, 0)
    if node == "output":
        return (2**31, 0)
    layer, is_mlp = int(node[1:].split(".")[0]), node.startswith("m")
    return (layer, int(is_mlp))


def ends(edge: str, nodes: Sequence[str]) -> tuple[int, int, str]:
    """Source, target and part of an edge. The inner edge of a head, "a0.h0.q->a0.h0", goes from the head to itself."""
    source, slot = edge.split("->")
    target = source if slot == "*" else slot
    part = target[-1] if node_of(target) != target else ""
    return nodes.index(node_of(source)), nodes.index(node_of(target)), part
