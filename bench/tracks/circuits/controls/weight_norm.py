"""Edges by the size of their virtual weights.

What the source writes with times what the destination reads with: the Frobenius norm of the product of the source's
output matrix and the slot's input matrix (Elhage et al. 2021, A mathematical framework for transformer circuits,
"virtual weights"); no input is run. An edge of several slots has the largest of theirs.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from torch import Tensor

from bench.models.graph import Graph
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

ROLE = "floor"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    scores = largest_by_edge(experiment.graph, virtual_norms(experiment))
    return Answer(scores, scores > np.median(scores))


def virtual_norms(experiment: Experiment) -> Float[np.ndarray, "slots nodes"]:
    graph, weights = experiment.graph, experiment.model.weights
    written = [writing(weights, source) for source in graph.sources]
    read = [reading(experiment, slot) for slot in graph.slots]
    return np.array([[float((into @ by).norm()) for into in written] for by in read])


def writing(weights: dict[str, Tensor], source: str) -> Float[Tensor, "inner d_model"]:
    """The matrix through which a source writes to the residual stream."""
    if source in ("embed", "pos"):
        return weights[source]
    layer, _, head = source[1:].partition(".h")
    return weights[f"layers.{layer}.o"][int(head)] if head else weights[f"layers.{layer}.mlp_out"]


def reading(experiment: Experiment, slot: str) -> Float[Tensor, "d_model inner"]:
    """The matrix through which a slot reads the residual stream."""
    if slot == "output":
        return experiment.model.weights["unembed"]
    layer, _, head = slot[1:].partition(".h")
    if not head:
        return experiment.model.weights[f"layers.{layer}.mlp_in"]
    number, letter = head.split(".")
    return experiment.model.attention[int(layer)].project[int(number), "qkv".index(letter)]


def largest_by_edge(graph: Graph, values: Float[np.ndarray, "slots nodes"]) -> Float[np.ndarray, "edges"]:
    scores = np.zeros(len(graph.edges))
    np.maximum.at(scores, graph.edge_of[graph.feeds], values[graph.feeds])
    return scores
