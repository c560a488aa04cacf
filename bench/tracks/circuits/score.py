"""How well edge scores rank the live edges first, and how well the chosen circuit matches them.

Live means: patching the edge alone changes the scored output (`Truth`). Edges marked `dont_care` count for nothing.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from bench.kernels.ranking import auroc, average_precision, average_precision_by_chance, f1
from bench.tracks.circuits.types import Answer, Problem, Truth

METRICS = {
    "edge_auroc": {
        "title": "Edge AUROC", "version": 1, "role": "headline", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": 0.5, "ceiling": {"control": "oracle"},
        "reference": "Hanley and McNeil (1982), Radiology 143:29-36",
        "description": "Chance that a live edge outscores a dead one, ties counting half.",
    },
    "average_precision": {
        "title": "Average precision", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": "closed_form", "ceiling": {"control": "oracle"},
        "reference": "Bestgen (2015), RANLP (exact mean under random order)",
        "description": "Precision averaged over the live edges, tied edges entering together; its floor is the exact"
        " mean of a random order, which is not the base rate.",
    },
    "node_auroc": {
        "title": "Node AUROC", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": 0.5, "ceiling": None,
        "reference": "Hanley and McNeil (1982), Radiology 143:29-36",
        "description": "The same over nodes but the output; a node without a score of its own has its best outgoing"
        " edge's.",
    },
    "circuit_f1": {
        "title": "F1 of the chosen circuit", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": {"control": "random_edges"}, "ceiling": {"control": "oracle"},
        "reference": "van Rijsbergen (1979), Information Retrieval, chapter 7",
        "description": "Of the circuit that the method itself chooses, unpruned.",
    },
    "recall": {
        "title": "Recall of the chosen circuit", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": None, "ceiling": None,
        "reference": "van Rijsbergen (1979), Information Retrieval, chapter 7",
        "description": "Share of the live edges in the chosen circuit; read it beside the false edges on null units.",
    },
    "edge_auroc_zero": {
        "title": "Edge AUROC, zero truth", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": 0.5, "ceiling": None,
        "reference": "Hanley and McNeil (1982), Radiology 143:29-36",
        "description": "Against the edges that are live under zero ablation: another question than the one asked.",
    },
    "edge_auroc_mean": {
        "title": "Edge AUROC, mean truth", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": 0.5, "ceiling": None,
        "reference": "Hanley and McNeil (1982), Radiology 143:29-36",
        "description": "Against the edges that are live under pooled-mean ablation: another question than asked.",
    },
    "false_edge_rate": {
        "title": "False edges", "version": 1, "role": "headline", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.05},
        "reference": "Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57:289-300",
        "description": "Share of all edges that are in the chosen circuit although no edge is live.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    if truth.null:
        return {"false_edge_rate": float(answer.circuit[~truth.dont_care].mean())}
    kept = ~truth.dont_care
    scores, circuit, live = answer.edge_scores[kept], answer.circuit[kept], truth.live[kept]
    values = {
        "edge_auroc": auroc(scores, live),
        "average_precision": average_precision(scores, live),
        "circuit_f1": f1(circuit, live),
        "recall": float(circuit[live].mean()),
    }
    nodes = np.array([node != "output" for node in problem.nodes])
    others = {
        "node_auroc": (node_scores(problem, answer)[nodes], truth.node_live[nodes]),
        "edge_auroc_zero": (scores, truth.live_zero[kept]),
        "edge_auroc_mean": (scores, truth.live_mean[kept]),
    }
    return values | {name: auroc(*pair) for name, pair in others.items() if 0 < pair[1].sum() < len(pair[1])}


def closed_form(problem: Problem, truth: Truth) -> dict[str, dict[str, float]]:
    """What a random order scores on average."""
    live = truth.live[~truth.dont_care]
    return {"average_precision": {"floor": average_precision_by_chance(int(live.sum()), len(live))}}


def node_scores(problem: Problem, answer: Answer) -> Float[np.ndarray, "nodes"]:
    """The answer's own, or the largest score among each node's outgoing edges (the lowest of all where it has none)."""
    if answer.node_scores is not None:
        return answer.node_scores
    sources = np.array([edge.split("->")[0] for edge in problem.edges])
    return np.array([_largest(answer.edge_scores, sources == node) for node in problem.nodes])


def _largest(scores: Float[np.ndarray, "edges"], among: Bool[np.ndarray, "edges"]) -> float:
    return float(scores[among].max() if among.any() else scores.min())
