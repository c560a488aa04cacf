"""Interventions, and exhaustive patching of every edge of a residual graph.

Patching is noising: the run is the clean one, and along the patched edge a donor's value replaces the source's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bench.models.graph import Graph
from bench.models.transformer import Transformer

Tokens = np.ndarray | Tensor
Measure = Callable[[Tensor, Tensor], Tensor]
"""From patched outputs [edges, batch, pos, outputs] and the clean one [batch, pos, outputs] to a number per edge."""

BATCH_ELEMENTS = 1_000_000
"""Numbers in the largest array of one batched run: small enough for the cache, large enough to hide the overhead."""


def donors_resample(model: Transformer, clean: Tokens, corrupted: Tokens) -> Float[Tensor, "nodes batch pos d_model"]:
    """Node outputs of the corrupted runs, example by example."""
    return model.node_outputs(corrupted)


def donors_zero(model: Transformer, clean: Tokens, corrupted: Tokens) -> Float[Tensor, "nodes 1 1 d_model"]:
    """Nothing: every source falls silent."""
    return torch.zeros((len(model.sources), 1, 1, model.config.d_model), dtype=model.dtype, device=model.device)


def donors_mean(model: Transformer, clean: Tokens, corrupted: Tokens) -> Float[Tensor, "nodes 1 1 d_model"]:
    """The mean of each node's output, pooled over examples and positions of the clean runs."""
    return model.node_outputs(clean).mean(dim=(1, 2), keepdim=True)


INTERVENTIONS = {"resample": donors_resample, "zero": donors_zero, "mean": donors_mean}


def donors_for(
    model: Transformer, intervention: str, clean: Tokens, corrupted: Tokens
) -> Float[Tensor, "nodes #batch #pos d_model"]:
    """What replaces each source's output under an intervention: "resample", "zero" or "mean"."""
    if intervention not in INTERVENTIONS:
        raise ValueError(f"intervention is {intervention!r}; choose one of {tuple(INTERVENTIONS)}")
    return INTERVENTIONS[intervention](model, clean, corrupted)


def output_change(scored: Bool[np.ndarray, "pos"]) -> Measure:
    """The mean over examples of the Euclidean change of the output over scored positions and output coordinates."""
    positions = torch.as_tensor(np.asarray(scored))

    def measure(patched: Tensor, clean: Tensor) -> Tensor:
        change = (patched - clean)[:, :, positions.to(clean.device)]
        return change.flatten(2).norm(dim=-1).mean(-1)

    return measure


@torch.no_grad()
def edge_effects(
    model: Transformer,
    graph: Graph,
    tokens: Tokens,
    donors: Float[Tensor, "nodes #batch #pos d_model"],
    measure: Measure,
    batch_elements: int = BATCH_ELEMENTS,
    one_at_a_time: bool = False,
) -> Float[Tensor, "edges"]:
    """What `measure` says when each edge alone is patched.

    Edges are run in batches of those that enter the same layer, and only what lies downstream of the edge is computed
    anew; an edge whose donor is the clean value itself is not run. `one_at_a_time` runs the whole model once per edge
    instead: the slow route that the fast one must equal.
    """
    if one_at_a_time:
        clean = model.run(tokens)
        return torch.cat([measure(_patch_alone(model, graph, tokens, donors, edge), clean) for edge in _edges(graph)])
    nodes = model.node_outputs(tokens)
    clean = model.patched(tokens, donors, _no_patch(graph), clean=nodes)
    effects = measure(clean[None], clean).repeat(len(graph.edges))
    for batch in _batches(graph, moving_edges(graph, nodes, donors), _batch_size(model, nodes, batch_elements)):
        masks = torch.as_tensor(graph.patch_matrix(_one_hot(graph, batch)))
        effects[batch] = measure(model.patched(tokens, donors, masks, clean=nodes), clean)
    return effects


def _edges(graph: Graph) -> range:
    return range(len(graph.edges))


def _patch_alone(model: Transformer, graph: Graph, tokens: Tokens, donors: Tensor, edge: int) -> Tensor:
    mask = graph.patch_matrix(_one_hot(graph, np.array([edge])))
    return model.patched(tokens, donors, torch.as_tensor(mask))


def _no_patch(graph: Graph) -> Float[Tensor, "slots nodes"]:
    return torch.zeros(graph.feeds.shape)


def _one_hot(graph: Graph, edges: Int[np.ndarray, "batch"]) -> Float[np.ndarray, "batch edges"]:
    return (edges[:, None] == np.arange(len(graph.edges))).astype(float)


def _batch_size(model: Transformer, nodes: Tensor, batch_elements: int) -> int:
    """Edges per run, so that the widest array of a layer stays within `batch_elements` numbers."""
    _, batch, pos, _ = nodes.shape
    config = model.config
    width = max(3 * config.d_model, config.n_heads * max(config.d_model, 3 * config.d_head, pos), config.d_mlp)
    return max(1, batch_elements // (batch * pos * width))


def moving_edges(graph: Graph, nodes: Tensor, donors: Tensor) -> Bool[np.ndarray, "edges"]:
    """Edges along which some donor differs from the clean value at all."""
    differs = (donors.to(nodes) != nodes).flatten(1).any(1).cpu().numpy()
    return graph.reduce((graph.feeds & differs).astype(float)) > 0


def _batches(graph: Graph, among: Bool[np.ndarray, "edges"], size: int) -> Iterator[Int[np.ndarray, "batch"]]:
    """Edges that enter the same layer, `size` at a time."""
    layer = graph.first_slot // ((len(graph.slots) - 1) // graph.config.n_layers)
    for entered in np.unique(layer):
        edges = np.flatnonzero((layer == entered) & among)
        for start in range(0, len(edges), size):
            yield edges[start : start + size]
