"""Attribution patching with its two corrections, AtP*.

First-order effects of edges, as in edge attribution patching, but (1) along edges into queries and keys the head's
attention is computed anew with the patched query or key, and only what lies behind the head is linear: saturated
attention has no gradient; (2) the gradient is taken once for every layer with that layer's nodes held constant, and the
sizes of the effects are averaged: a direct and an indirect effect that cancel in one gradient do not cancel in all.
Into the constant layer itself edges have the plain gradient, as in the paper a node of that layer has.
Departs from the paper in being applied to edges (the paper's are nodes), in taking sizes after the mean over examples
(as edge attribution patching does), in the chosen circuit (edges above a share of the metric's scale, pruned to paths),
and in not verifying the best by patching.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench.models.graph import node_of
from bench.models.transformer import SlotGradients
from bench.tracks.circuits.experiment import SHARE, Experiment
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = (
    "Kramar, Lieberum, Shah and Nanda (2024), AtP*: an efficient and scalable method for localizing LLM behaviour to"
    " components, arXiv:2403.00745, sections 3.1.1 and 3.1.2"
)
NEEDS = ("gradients",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, share: float = SHARE) -> Answer:
    experiment = Experiment(problem)
    layers = experiment.model.config.n_layers
    experiment.afford(2 * layers + 2 * len(experiment.graph.sources) + 7, "AtP* with a gradient for each layer")
    scores = np.mean([np.abs(effects(experiment, found)) for found in gradients(experiment)], axis=0)
    return Answer(scores, experiment.choose(scores, share))


def gradients(experiment: Experiment) -> Iterator[SlotGradients]:
    """One gradient for every layer, its nodes held constant; where a slot lies in that layer, the plain gradient."""
    problem, graph = experiment.problem, experiment.graph
    plain = experiment.model.slot_gradients(problem.clean, experiment.metric)
    for layer in range(experiment.model.config.n_layers):
        found = experiment.model.slot_gradients(problem.clean, experiment.metric, constant_layer=layer)
        inside = torch.tensor([node_of(slot).split(".")[0] in (f"a{layer}", f"m{layer}") for slot in graph.slots])
        yield replace(found, gradients=torch.where(inside[:, None, None, None], plain.gradients, found.gradients))


def effects(experiment: Experiment, found: SlotGradients) -> Float[np.ndarray, "edges"]:
    """Effects by edge: linear into values, MLPs and the output, through the attention itself into queries and keys."""
    products = found.products(experiment.change)
    behind = torch.einsum(
        "sn,sbpd->nbpd", torch.as_tensor(experiment.graph.feeds, dtype=products.dtype), found.gradients
    )
    config = experiment.model.config
    for layer in range(config.n_layers):
        for head in range(config.n_heads):
            name = f"a{layer}.h{head}"
            gradient = behind[experiment.graph.sources.index(name)]
            for letter in "qk":
                slot = experiment.graph.slots.index(f"{name}.{letter}")
                products[slot] = through_attention(experiment, layer, head, "qkv".index(letter), slot, gradient)
    return experiment.graph.reduce(products).numpy()


def through_attention(
    experiment: Experiment, layer: int, head: int, part: int, slot: int, gradient: Tensor
) -> Float[Tensor, "nodes"]:
    """Effect of patching each source where a head reads its query (part 0) or key (part 1), linear behind the head."""
    model, sources = experiment.model, np.flatnonzero(experiment.graph.feeds[slot])
    read = experiment.nodes[sources].sum(0) + attention_biases(experiment, layer)
    patched = read + experiment.change[sources]
    weights = model.attention[layer]

    def projected(x: Tensor, letter: int) -> Tensor:
        x = model.norm(x, f"layers.{layer}.norm1") @ weights.project[head, letter] + weights.bias[head, letter]
        return model.norm_heads(x, layer, torch.tensor(letter))

    parts = [projected(read, letter) for letter in range(3)]
    before = model.mix(*parts)
    parts[part] = projected(patched, part)
    change = (model.mix(*parts) - before) @ weights.o[head]
    result = torch.zeros(len(experiment.graph.sources), dtype=change.dtype)
    result[torch.as_tensor(sources)] = torch.einsum("nbpd,bpd->n", change, gradient)
    return result


def attention_biases(experiment: Experiment, layer: int) -> Tensor | float:
    """What earlier layers add to the stream that is no node's: their attention output biases."""
    return sum((experiment.model.weights[f"layers.{earlier}.o_bias"] for earlier in range(layer)), 0.0)
