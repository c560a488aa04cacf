"""Information flow routes.

What a slot reads is a sum of source outputs. A source matters to it as far as it is near the sum: its proximity
max(0, |sum|_1 - |sum - part|_1), divided by the proximities of all sources of this slot. Means over examples and
positions of one clean run score the edges; those above `tau` that lie on a path to the output are the circuit. Neither
donors nor the metric are used, and attention output biases are no part of the sum.
Departs from the paper in edges (source to slot instead of token to token inside a head, as in the mechanistic
interpretability benchmark) and in extraction: importances are averaged before the threshold, not routed for each text.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench.models.decomposition import shares
from bench.models.graph import Graph
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = (
    "Ferrando and Voita (2024), Information flow routes: automatically interpreting language models at scale,"
    " arXiv:2403.00824"
)
DETERMINISTIC = True
TAU = 0.04
"""Smallest share of what a slot reads that an edge of the circuit carries: our choice."""


def solve(problem: Problem, rng: np.random.Generator, *, tau: float = TAU) -> Answer:
    experiment = Experiment(problem)
    experiment.afford(1, "information flow routes")
    scores = importances(experiment.graph, experiment.nodes)
    return Answer(scores, experiment.graph.prune(scores > tau))


def importances(graph: Graph, nodes: Float[Tensor, "nodes batch pos d_model"]) -> Float[np.ndarray, "edges"]:
    """Mean share of each edge in what its destination reads; of several slots the largest."""
    scores = np.zeros(len(graph.edges))
    for slot, feeding in enumerate(graph.feeds):
        read = nodes[torch.as_tensor(np.flatnonzero(feeding))]
        found = shares(read, read.sum(0)).mean((1, 2)).numpy()
        np.maximum.at(scores, graph.edge_of[slot, feeding], found)
    return scores
