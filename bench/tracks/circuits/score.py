"""How well edge scores rank the circuit's edges first, and how well the chosen circuit matches them.

Where several circuits are equally minimal an answer is scored against each, and the best counts; the edges on which
the others differ from the one at hand then count for nothing. Chance is higher there, and so is the floor.
Scores that differ by less than a million-millionth of the largest are equal: rounding ranks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeGuard

import numpy as np
from jaxtyping import Bool, Float

from bench.core.contract import generator
from bench.kernels.correlation import identity_correlation
from bench.kernels.proper import brier, false_discovery_rate
from bench.kernels.ranking import (
    auroc,
    average_precision,
    average_precision_by_chance,
    concordance,
    f1,
    jaccard,
    resolved,
)
from bench.models.checkpoint import load_config
from bench.models.graph import Graph
from bench.tracks.circuits.types import Answer, Problem, Truth

Flags = Bool[np.ndarray, "edges"]

METRICS = {
    "edge_auroc": {
        "title": "Edge AUROC", "version": 2, "role": "headline", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": "closed_form", "ceiling": {"control": "oracle"},
        "reference": "Hanley and McNeil (1982), Radiology 143:29-36",
        "description": "Chance that an edge of the circuit outscores another, ties counting half.",
    },
    "average_precision": {
        "title": "Average precision", "version": 2, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": "closed_form", "ceiling": {"control": "oracle"},
        "reference": "Bestgen (2015), RANLP (exact mean under random order)",
        "description": "Precision averaged over the live edges, tied edges entering together; its floor is the exact"
        " mean of a random order, which is not the base rate.",
    },
    "node_auroc": {
        "title": "Node AUROC", "version": 2, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": 0.5, "ceiling": None,
        "reference": "Hanley and McNeil (1982), Radiology 143:29-36",
        "description": "The same over nodes but the output; a node without a score of its own has its best outgoing"
        " edge's.",
    },
    "circuit_f1": {
        "title": "F1 of the chosen circuit", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": "closed_form", "ceiling": {"control": "oracle"},
        "reference": "van Rijsbergen (1979), Information Retrieval, chapter 7",
        "description": "Of the circuit that the method itself chooses, unpruned; its floor takes each edge with even"
        " odds.",
    },
    "circuit_jaccard": {
        "title": "Jaccard of the chosen circuit", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": "closed_form", "ceiling": {"control": "oracle"},
        "reference": "Jaccard (1912), New Phytologist 11:37-50",
        "description": "Edges in both the chosen and the true circuit, over edges in either.",
    },
    "recall": {
        "title": "Recall of the chosen circuit", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": None, "ceiling": None,
        "reference": "van Rijsbergen (1979), Information Retrieval, chapter 7",
        "description": "Share of the live edges in the chosen circuit; read it beside the false edges on null units.",
    },
    "edge_auroc_zero": {
        "title": "Edge AUROC, zero truth", "version": 2, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": 0.5, "ceiling": None,
        "reference": "Hanley and McNeil (1982), Radiology 143:29-36",
        "description": "Against the edges that are live under zero ablation: another question than the one asked.",
    },
    "edge_auroc_mean": {
        "title": "Edge AUROC, mean truth", "version": 2, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": 0.5, "ceiling": None,
        "reference": "Hanley and McNeil (1982), Radiology 143:29-36",
        "description": "Against the edges that are live under pooled-mean ablation: another question than asked.",
    },
    "effect_concordance": {
        "title": "Concordance with the effects", "version": 2, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": 0.5, "ceiling": {"control": "oracle"},
        "reference": "Harrell et al. (1982), JAMA 247:2543-2546",
        "description": "Chance that of two edges the one with the larger single effect outscores the other; effects"
        " below the threshold of rounding are equal.",
    },
    "change_detected": {
        "title": "Cut edges told apart", "version": 2, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": 0.5, "ceiling": None,
        "reference": "Hanley and McNeil (1982), Radiology 143:29-36",
        "description": "Chance that an edge of the circuit outscores one that was live before the model was cut.",
    },
    "equivariance": {
        "title": "Twins scored alike", "version": 1, "role": "report", "units": "live",
        "range": [-1, 1], "direction": "higher", "floor": 0.0, "ceiling": 1.0,
        "reference": "Lin (1989), Biometrics 45:255-268 (concordance correlation coefficient)",
        "description": "How nearly the edges of a program have the scores of their counterparts in its twin in the same"
        " model: 1 where all are equal, 0 for scores without relation and for equal scores throughout.",
    },
    "brier": {
        "title": "Brier score", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Brier (1950), Monthly Weather Review 78:1-3",
        "description": "Mean squared distance of the stated probabilities to the truth, where a method states any.",
    },
    "false_discovery_rate": {
        "title": "Realised false discoveries", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57:289-300",
        "description": "Share of wrong edges among the likeliest, as many as their stated probabilities promise to"
        " hold at most one wrong in ten.",
    },
    "cpr": {
        "title": "Faithfulness over circuit size", "version": 2, "role": "headline", "board": "proxy", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": 0.0, "ceiling": 1.0,
        "reference": "Mueller et al. (2025), MIB, ICML (CPR), bounded and over the logarithm of the circuit's size",
        "description": "Area below the share of the behaviour, between 0 and 1, that circuits of the best edges keep"
        " with all else patched, over the logarithm of their real number of edges.",
    },
    "cmd": {
        "title": "Distance to the model", "version": 2, "role": "report", "units": "live",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Mueller et al. (2025), MIB, ICML (CMD), bounded and over the logarithm of the circuit's size",
        "description": "Area below |1 - f|, at most 1, f not clipped.",
    },
    "over_recovery": {
        "title": "Over-recovery", "version": 2, "role": "report", "units": "live",
        "range": [0, None], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Mueller et al. (2025), MIB, ICML (what their CPR adds up without bound)",
        "description": "Area of the faithfulness above 1.",
    },
    "mib_cpr": {
        "title": "CPR (MIB)", "version": 2, "role": "report", "units": "live",
        "range": [None, None], "direction": "higher", "floor": None, "ceiling": None,
        "reference": "Mueller et al. (2025), MIB, ICML",
        "description": "As that benchmark defines it: the area below f from .001 to 1 of the edges, not bounded.",
    },
    "mib_cmd": {
        "title": "CMD (MIB)", "version": 2, "role": "report", "units": "live",
        "range": [0, None], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Mueller et al. (2025), MIB, ICML",
        "description": "As that benchmark defines it: the area below |1 - f| from .001 to 1 of the edges.",
    },
    "mib_auroc": {
        "title": "AUROC (MIB)", "version": 2, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": None, "ceiling": None,
        "reference": "Mueller et al. (2025), MIB, ICML",
        "description": "As that benchmark defines it: over ten circuits grown from the output, false positive rate"
        " rescaled, without the point (0, 0).",
    },
    "circuit_faithfulness": {
        "title": "Faithfulness of the chosen circuit", "version": 1, "role": "report", "units": "live",
        "range": [None, None], "direction": "higher", "floor": None, "ceiling": None,
        "reference": "Wang et al. (2023), Interpretability in the wild, ICLR, section 4",
        "description": "Share of the behaviour that the chosen circuit keeps; above 1 it over-recovers.",
    },
    "incompleteness": {
        "title": "Incompleteness", "version": 2, "role": "report", "units": "live",
        "range": [0, None], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Wang et al. (2023), Interpretability in the wild, ICLR, section 4",
        "description": "Mean difference of the faithfulness of circuit and model when half of the circuit, or one edge"
        " of it, is knocked out of both.",
    },
    "stability": {
        "title": "Stability of the chosen circuit", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": None, "ceiling": None,
        "reference": "Jaccard (1912), New Phytologist 11:37-50; Méloux et al. (2025), arXiv:2510.00845",
        "description": "Mean Jaccard index of the chosen circuit with those that the method chooses in the same model"
        " from other draws of pairs; read it beside F1, since a constant answer is stable too.",
    },
    "superfluous_share": {
        "title": "Superfluous edges", "version": 2, "role": "report", "units": "live",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Wang et al. (2023), Interpretability in the wild, ICLR, section 4 (minimality)",
        "description": "Share of the chosen circuit's edges without which its faithfulness changes by at most .01.",
    },
    "minimality": {
        "title": "Minimality", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": None, "ceiling": None,
        "reference": "Shi et al. (2024), Hypothesis testing the circuit hypothesis in LLMs, NeurIPS",
        "description": "Share of the chosen circuit's edges without which its faithfulness changes more than it does"
        " with any of nine further edges between its nodes (for each edge a test at one in ten).",
    },
    "false_edge_rate": {
        "title": "False edges", "version": 1, "role": "headline", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.05},
        "reference": "Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57:289-300",
        "description": "Share of all edges that are in the chosen circuit although no edge is live.",
    },
}  # fmt: skip


FLOORS = ("edge_auroc", "average_precision", "circuit_f1", "circuit_jaccard")
DRAWS = 1000  # random answers behind a floor that has no closed form
PROMISED = 0.1  # share of wrong edges that the likeliest promise at most


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    if truth.null:
        return {"false_edge_rate": float(answer.circuit.mean())}
    answer = in_steps(answer)
    return {
        **_against_circuits(truth, answer),
        **_against_verdicts(problem, truth, answer),
        **_against_effects(truth, answer),
        **_of_probabilities(truth, answer),
        **run_circuits(problem, truth, answer),
    }


def score_beside(problem: Problem, truth: Truth, answer: Answer, others: Sequence[Answer]) -> dict[str, float]:
    """How alike the circuits are that a method chooses in one model from several draws of pairs."""
    if truth.null:
        return {}
    return {"stability": float(np.mean([jaccard(answer.circuit, other.circuit) for other in others]))}


def in_steps(answer: Answer) -> Answer:
    """The answer with its scores in steps above rounding, so that ties are ties."""
    nodes = None if answer.node_scores is None else resolved(answer.node_scores)
    return replace(answer, edge_scores=resolved(answer.edge_scores), node_scores=nodes)


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
        "circuit_jaccard": jaccard(chosen, right),
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


def _against_effects(truth: Truth, answer: Answer) -> dict[str, float]:
    """Agreement with the order of the effects, which below the threshold are noise and count as equal; whether edges
    that a cut has silenced score below those of the circuit; and whether twins are scored alike."""
    values = {}
    effects = None if truth.effects is None else np.maximum(truth.effects, truth.threshold or 0)
    if effects is not None and (effects > effects.min()).any():
        values["effect_concordance"] = concordance(answer.edge_scores, effects)
    if truth.changed is not None and truth.changed.any() and len(truth.circuits):
        compared = truth.circuits[0] | truth.changed
        values["change_detected"] = auroc(answer.edge_scores[compared], truth.circuits[0][compared])
    if truth.twin is not None:
        first = np.flatnonzero(truth.twin > np.arange(len(truth.twin)))
        values["equivariance"] = identity_correlation(answer.edge_scores[first], answer.edge_scores[truth.twin[first]])
    return values


def _of_probabilities(truth: Truth, answer: Answer) -> dict[str, float]:
    """Proper score and realised false discoveries against the right circuit that fits the probabilities best."""
    if answer.probabilities is None or not len(truth.circuits):
        return {}
    stated = answer.probabilities
    right, kept = min(_alternatives(truth), key=lambda pair: brier(stated[pair[1]], pair[0][pair[1]]))
    return {
        "brier": brier(stated[kept], right[kept]),
        "false_discovery_rate": false_discovery_rate(stated[kept], right[kept], PROMISED),
    }


def run_circuits(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    """What takes runs of the model; torch is imported only here, since everything else does without."""
    from bench.tracks.circuits import faithfulness

    values = faithfulness.measures(problem, answer)
    if problem.granularity in ("head", "qkv") and len(truth.circuits) == 1:
        graph = Graph(load_config(problem.model.path), problem.granularity)
        values["mib_auroc"] = faithfulness.mib_auroc(graph, answer.edge_scores, truth.circuits[0])
    return values


def closed_form(problem: Problem, truth: Truth) -> dict[str, dict[str, float]]:
    """What chance scores on average: a random order, and a circuit that takes each edge with even odds.

    For one circuit the ranking's floors are exact; the rest is the mean over `DRAWS` draws that are always the same.
    """
    if not len(truth.circuits):
        return {}
    rng = generator("circuits", "floor", *problem.edges)
    edges = len(problem.edges)
    drawn = (Answer(rng.random(edges), rng.random(edges) < 0.5) for _ in range(DRAWS))
    found = [_against_circuits(truth, answer) for answer in drawn]
    floors = {name: float(np.mean([values[name] for values in found])) for name in FLOORS}
    if len(truth.circuits) == 1:
        exact = average_precision_by_chance(int(truth.circuits.sum()), edges)
        floors |= {"edge_auroc": 0.5, "average_precision": exact}
    return {name: {"floor": floor} for name, floor in floors.items()}


def node_scores(problem: Problem, answer: Answer) -> Float[np.ndarray, "nodes"]:
    """The answer's own, or the largest score among each node's outgoing edges (the lowest of all where it has none)."""
    if answer.node_scores is not None:
        return answer.node_scores
    sources = np.array([edge.split("->")[0] for edge in problem.edges])
    return np.array([_largest(answer.edge_scores, sources == node) for node in problem.nodes])


def _largest(scores: Float[np.ndarray, "edges"], among: Bool[np.ndarray, "edges"]) -> float:
    return float(scores[among].max() if among.any() else scores.min())
