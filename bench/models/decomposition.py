"""Activations as sums: what each source contributes to what a slot reads, and a relevant part led through the model.

A run is split into a relevant part b and the rest, x - b, everywhere at once; both always sum to the run's own value.
Linear maps carry the relevant part, biases belong to the rest. An activation f gives the relevant part

    1/2 [f(x) - f(x - b)] + 1/2 [f(b) - f(0)],

its mean effect over the two orders of adding (Murdoch, Liu and Yu 2018, ICLR). What is not elementwise (attention,
norms, gated MLPs) gives what is lost without the relevant part, F(x) - F(x - b).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from bench.core.contract import count_passes
from bench.models.transformer import ACTIVATIONS, Transformer


def proximity(
    parts: Float[Tensor, "nodes *any d_model"], total: Float[Tensor, "*any d_model"]
) -> Float[Tensor, "nodes *any"]:
    """How near each part is to the sum: max(0, |sum|_1 - |sum - part|_1); Ferrando and Voita 2024."""
    return (total.abs().sum(-1) - (total - parts).abs().sum(-1)).clamp(min=0)


def shares(
    parts: Float[Tensor, "nodes *any d_model"], total: Float[Tensor, "*any d_model"]
) -> Float[Tensor, "nodes *any"]:
    """Proximities that sum to one over the parts; zero where no part is near the sum."""
    near = proximity(parts, total)
    whole = near.sum(0)
    return near / torch.where(whole == 0, 1.0, whole)


def decompose_edges(
    model: Transformer,
    nodes: Float[Tensor, "nodes batch pos d_model"],
    change: Float[Tensor, "nodes #batch #pos d_model"],
    pairs: Float[Tensor, "masks slots nodes"],
) -> Float[Tensor, "masks batch pos outputs"]:
    """The relevant part of the output, for each mask, when `change[n]` is relevant where the masked slots read n.

    `nodes` are a run's node outputs.
    Two passes a mask are counted: the whole and the rest.
    """
    flow = _Flow(model, nodes, change, pairs)
    for layer in range(model.config.n_layers):
        entering = flow.stream, flow.relevant
        flow.heads(layer)
        if model.config.d_mlp:
            flow.mlp(layer, *(entering if model.config.parallel else (flow.stream, flow.relevant)))
    count_passes("forward", 2 * len(pairs) * nodes.shape[1])
    return flow.output()


class _Flow:
    """The run's stream, [batch, pos, d_model], and the relevant part of it for every mask, so far."""

    def __init__(self, model: Transformer, nodes: Tensor, change: Tensor, pairs: Tensor) -> None:
        self.model, self.nodes, self.pairs = model, nodes, pairs
        self.change = change.expand_as(nodes)
        self.done = len(nodes) - model.config.n_layers * (model.config.n_heads + bool(model.config.d_mlp))
        self.slot = 0
        self.stream = nodes[: self.done].sum(0)
        self.relevant = nodes.new_zeros(len(pairs), *nodes.shape[1:])

    def read(self, count: int, carried: Tensor | None = None) -> Float[Tensor, "masks slots batch pos d_model"]:
        """The relevant part of what the next slots read: what the stream carries (`carried` where it is read earlier),
        and what is relevant where they read it."""
        masks = self.pairs[:, self.slot : self.slot + count, : self.done]
        own = torch.einsum("ksn,nbpd->ksbpd", masks, self.change[: self.done])
        self.slot += count
        return (self.relevant if carried is None else carried)[:, None] + own

    def heads(self, layer: int) -> None:
        model, count = self.model, self.model.config.n_heads
        relevant = self.read(3 * count).unflatten(1, (count, 3))
        total = self.stream.expand_as(relevant)
        whole, rest = (model.mix(*model.project(x, layer).unbind(2)) for x in (total, total - relevant))
        self.relevant = self.relevant + torch.einsum("khbpe,hed->kbpd", whole - rest, model.attention[layer].o)
        self.write(count, model.weights[f"layers.{layer}.o_bias"])

    def mlp(self, layer: int, stream: Tensor, carried: Tensor) -> None:
        """The MLP that reads this stream, of which `carried` is relevant."""
        relevant = self.read(1, carried)[:, 0]
        self.relevant = self.relevant + relevant_of_mlp(self.model, layer, stream, relevant)
        self.write(1)

    def write(self, count: int, bias: Tensor | float = 0.0) -> None:
        self.stream = self.stream + self.nodes[self.done : self.done + count].sum(0) + bias
        self.done += count

    def output(self) -> Tensor:
        relevant = self.read(1)[:, 0]
        return self.model.unembed(self.stream) - self.model.unembed(self.stream - relevant)


def relevant_of_mlp(model: Transformer, layer: int, total: Tensor, relevant: Tensor) -> Float[Tensor, "*any d_model"]:
    """The relevant part of an MLP's output."""
    if model.config.gated:
        return model.mlp(total, layer) - model.mlp(total - relevant, layer)
    w, at = model.weights, f"layers.{layer}"
    whole, rest = (model.norm(x, f"{at}.norm2") for x in (total, total - relevant))
    part = (whole - rest) @ w[f"{at}.mlp_in"]
    entering = whole @ w[f"{at}.mlp_in"] + w[f"{at}.mlp_in_bias"]
    return relevant_activation(ACTIVATIONS[model.config.activation], entering, part) @ w[f"{at}.mlp_out"]


def relevant_activation(act: Callable[[Tensor], Tensor], total: Tensor, relevant: Tensor) -> Tensor:
    """Mean of the relevant part's effect when it is added last and when it is added first."""
    return (act(total) - act(total - relevant) + act(relevant) - act(torch.zeros_like(relevant))) / 2
