"""How well edge scores rank the circuit's edges first, and how well the chosen circuit matches them.

Where several circuits are equally minimal an answer is scored against each, and the best counts; the edges on which
the others differ from the one at hand then count for nothing. Chance is higher there, and so is the floor.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

import numpy as np
from jaxtyping import Bool, Float

from bench.core.contract import generator
from bench.kernels.ranking import auroc, average_precision, average_precision_by_chance, f1
from bench.tracks.circuits.types import Answer, Problem, Truth

Flags = Bool[np.ndarray, "edges"]

METRICS = {
    "edge_auroc": {
        "title": "Edge AUROC", "version": 1, "role": "headline", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": "closed_form", "ceiling": {"control": "oracle"},
        "reference": "Hanley and McNeil (1982), Radiology 143:29-36",
        "description": "Chance that an edge of the circuit outscores another, ties counting half.",
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


RANKED = ("edge_auroc", "average_precision")
DRAWS = 1000  # random orders behind a floor that has no closed form


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    if truth.null:
        return {"false_edge_rate": float(answer.circuit.mean())}
    return _against_circuits(truth, answer) | _against_verdicts(problem, truth, answer)


def _against_circuits(truth: Truth, answer: Answer) -> dict[str, float]:
    """Each metric's best value over the circuits that are right; nothing where none is known."""
    found = [_against(circuit, answer, kept) for circuit, kept in _alternatives(truth)]
    return {name: max(values[name] for values in found) for name in (found[0] if found else ())}


def _alternatives(truth: Truth) -> Iterator[tuple[Flags, Flags]]:
    """Every right circuit with the edges that count beside it: all but those of the others alone."""
    for circuit in truth.circuits:
        yield circuit, circuit | ~truth.circuits.any(axis=0)


def _against(circuit: Flags, answer: Answer, kept: Flags) -> dict[str, float]:
    scores, chosen, right = answer.edge_scores[kept], answer.circuit[kept], circuit[kept]
    return {
        "edge_auroc": auroc(scores, right),
        "average_precision": average_precision(scores, right),
        "circuit_f1": f1(chosen, right),
        "recall": float(chosen[right].mean()),
    }


def _against_verdicts(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    """Areas for the nodes and for the verdicts of other interventions, where these are known and not all alike."""
    nodes = np.array([node != "output" for node in problem.nodes])
    pairs = {
        "node_auroc": (
            node_scores(problem, answer)[nodes],
            None if truth.node_live is None else truth.node_live[nodes],
        ),
        "edge_auroc_zero": (answer.edge_scores, truth.live_zero),
        "edge_auroc_mean": (answer.edge_scores, truth.live_mean),
    }
    return {name: auroc(scores, live) for name, (scores, live) in pairs.items() if _mixed(live)}


def _mixed(live: Flags | None) -> TypeGuard[Flags]:
    return live is not None and 0 < live.sum() < len(live)


def closed_form(problem: Problem, truth: Truth) -> dict[str, dict[str, float]]:
    """What a random order scores on average: exactly for one circuit, over `DRAWS` orders for the best of several."""
    if len(truth.circuits) == 1:
        exact = average_precision_by_chance(int(truth.circuits.sum()), truth.circuits.shape[1])
        return {"edge_auroc": {"floor": 0.5}, "average_precision": {"floor": exact}}
    rng = generator("circuits", "floor", *problem.edges)
    orders = (rng.permutation(len(problem.edges)).astype(float) for _ in range(DRAWS))
    found = [_against_circuits(truth, Answer(order, order < 0)) for order in orders] if len(truth.circuits) else []
    return {name: {"floor": float(np.mean([values[name] for values in found]))} for name in RANKED if found}


def node_scores(problem: Problem, answer: Answer) -> Float[np.ndarray, "nodes"]:
    """The answer's own, or the largest score among each node's outgoing edges (the lowest of all where it has none)."""
    if answer.node_scores is not None:
        return answer.node_scores
    sources = np.array([edge.split("->")[0] for edge in problem.edges])
    return np.array([_largest(answer.edge_scores, sources == node) for node in problem.nodes])


def _largest(scores: Float[np.ndarray, "edges"], among: Bool[np.ndarray, "edges"]) -> float:
    return float(scores[among].max() if among.any() else scores.min())
