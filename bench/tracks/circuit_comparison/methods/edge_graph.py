"""Weisfeiler-Lehman kernel of the graphs of live edges.

Every edge is patched alone with what it carries on strings that are answered otherwise; edges that change the output on
average, and lie on a path from an input to the output, make the network's graph. Nodes are labelled by kind (embedding,
position, head, MLP, output), then again and again by their label and those of their neighbours, each with the slot
(query, key, value) and direction of the edge. The score is the cosine of the counts of all labels; a candidate is
called the same where all counts are equal.
Departs from the paper in labelled, directed edges and in the cosine.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from bench.models.graph import node_of
from bench.tracks.circuit_comparison.experiment import LIVE, Experiment, Strings
from bench.tracks.circuit_comparison.types import Answer, Problem

REFERENCE = "Shervashidze et al. (2011), Weisfeiler-Lehman graph kernels, JMLR 12:2539-2561, section 3.2"

Edge = tuple[str, str, str]
"""Source, node that reads it, and slot."""


def solve(problem: Problem, rng: np.random.Generator, *, pairs: int = 6, rounds: int = 4) -> Answer:
    experiment = Experiment(problem)
    base, source = experiment.telling(experiment.affordable_edges(pairs), rng)
    graphs = [live_edges(experiment, network, base, source) for network in range(len(problem.start))]
    counts = [label_counts(graph, rounds) for graph in graphs]
    scores = np.array([cosine(counts[0], other) for other in counts[1:]])
    return Answer(scores, np.array([bool(counts[0]) and counts[0] == other for other in counts[1:]]))


def live_edges(experiment: Experiment, network: int, base: Strings, source: Strings) -> list[Edge]:
    graph, effects = experiment.effects(network, base, source)
    live = graph.prune(effects.numpy() > LIVE)
    pairs = [edge.split("->") for edge, kept in zip(graph.edges, live, strict=True) if kept]
    return [(reads, node_of(slot), slot[-1] if slot[-1] in "qkv" else "") for reads, slot in pairs]


def label_counts(edges: list[Edge], rounds: int) -> Counter[str]:
    """How often each label occurs, over all rounds of relabelling."""
    labels = {node: kind(node) for edge in edges for node in edge[:2]}
    counts = Counter(labels.values())
    for _ in range(rounds):
        labels = {node: _relabelled(node, labels, edges) for node in labels}
        counts.update(labels.values())
    return counts


def _relabelled(node: str, labels: dict[str, str], edges: list[Edge]) -> str:
    reads = sorted(f"<{slot}{labels[source]}" for source, reader, slot in edges if reader == node)
    read = sorted(f">{slot}{labels[reader]}" for source, reader, slot in edges if source == node)
    return f"({labels[node]}{''.join(reads)}{''.join(read)})"


def kind(node: str) -> str:
    return node if node in ("embed", "pos", "output") else node[0]


def cosine(one: Counter[str], other: Counter[str]) -> float:
    """Cosine of two vectors of counts; 0 where one has none."""
    shared = sum(count * other[label] for label, count in one.items())
    norms = np.sqrt(sum(count**2 for count in one.values()) * sum(count**2 for count in other.values()))
    return float(shared / norms) if norms else 0.0
