"""A circuit as JSON in the layout of the MIB benchmark's circuit track.

The document has `cfg` (what its graph is built from), `nodes` {name: {"in_graph", "score"}} and `edges`
{name: {"score", "in_graph"}}. Names there: "input" for the embeddings, "a0.h1", "m0", "logits"; an edge into a head
ends in its part, "m0->a1.h0<q>". An MLP reads the heads of its own layer unless the two are parallel, and "logits"
reads everything.

Where our graph differs: token and position embedding are one node there, which is scored as the better of the two; an
edge at head granularity stands for its three parts, one at node granularity for all edges of the node.
Reference: Mueller et al. (2025), MIB: a mechanistic interpretability benchmark, ICML, arXiv:2504.13151; the layout is
that of the EAP-IG package's graphs (Hanna, Pezzelle and Belinkov 2024, arXiv:2403.17806).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.core.contract import BadInput
from bench.models.checkpoint import load_config
from bench.models.graph import INPUTS, Graph, node_of
from bench.tracks.circuits.types import Answer, Problem

GRANULARITIES = ("node", "head", "qkv")


def export(problem: Problem, answer: Answer) -> dict[str, Any]:
    """The answer's edge scores and chosen circuit. Raises `BadInput` at a granularity that the layout cannot hold."""
    if problem.granularity not in GRANULARITIES:
        raise BadInput(
            f"granularity {problem.granularity!r} has edges inside heads, which MIB's layout has not;"
            f" export a unit at {', '.join(GRANULARITIES)}"
        )
    edges: dict[str, dict[str, Any]] = {}
    for name, index in _parts(problem):
        score, chosen = float(answer.edge_scores[index]), bool(answer.circuit[index])
        known = edges.get(name, {"score": score, "in_graph": False})
        edges[name] = {"score": max(score, known["score"]), "in_graph": chosen or known["in_graph"]}
    return {"cfg": _configuration(problem), "nodes": _nodes(problem, answer, edges), "edges": edges}


def _parts(problem: Problem) -> Iterator[tuple[str, int]]:
    """Every edge of MIB's graph with the index of ours that says what it scores."""
    ours = {name: index for index, name in enumerate(problem.edges)}
    for edge in Graph(load_config(problem.model.path), "qkv").edges:
        source, slot = edge.split("->")
        known = {"node": "*", "head": node_of(slot)}.get(problem.granularity, slot)
        yield f"{_node(source)}->{_slot(slot)}", ours[f"{source}->{known}"]


def _node(name: str) -> str:
    return "input" if name in INPUTS else "logits" if name == "output" else name


def _slot(slot: str) -> str:
    part = slot[-1] if node_of(slot) != slot else ""
    return f"{_node(node_of(slot))}<{part}>" if part else _node(slot)


def _configuration(problem: Problem) -> dict[str, Any]:
    config = load_config(problem.model.path)
    names = ("n_layers", "n_heads", "d_model", "d_head", "d_mlp")
    return {name: getattr(config, name) for name in names} | {"parallel_attn_mlp": config.parallel}


def _nodes(problem: Problem, answer: Answer, edges: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A node is in the graph where an edge that is in it touches the node; it has a score where the method gave one."""
    touched = {_node_of_end(end) for name, edge in edges.items() if edge["in_graph"] for end in name.split("->")}
    nodes: dict[str, dict[str, Any]] = {}
    for index, name in enumerate(problem.nodes):
        made = nodes.setdefault(_node(name), {"in_graph": _node(name) in touched})
        if answer.node_scores is not None:
            made["score"] = max(float(answer.node_scores[index]), made.get("score", -np.inf))
    return nodes


def _node_of_end(end: str) -> str:
    return end.split("<")[0]
