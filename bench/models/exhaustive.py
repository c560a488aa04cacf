"""Exhaustive patching in float64 numpy: the first route to the truth, independent of the torch model.

The forward pass is written anew, one head at a time, from the meaning of the checkpoint's tensors
(`bench.models.checkpoint`), and shares no code with `bench.models.transformer`. What is taken from `bench.models.graph`
is the order of slots and nodes and which pairs an edge stands for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import erf, expit

from bench.core.contract import BadInput
from bench.models.checkpoint import RESIDUAL_AXIS, Config
from bench.models.graph import Graph

Weights = Mapping[str, np.ndarray]
ROW_ELEMENTS = 4_000_000  # numbers in one [edges, batch, pos, d_model] array

ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0.0),
    "gelu": lambda x: 0.5 * x * (1.0 + erf(x / np.sqrt(2.0))),
    "silu": lambda x: x * expit(x),
}


@dataclass(frozen=True)
class Patching:
    """Donors [nodes, batch, pos, d_model] and how far they replace each source for each slot, [rows, slots, nodes]."""

    donors: np.ndarray
    mask: np.ndarray

    def touches(self, slots: slice) -> bool:
        return bool(self.mask[:, slots].any())

    def read(self, stream: np.ndarray, values: list[np.ndarray], slot: int) -> np.ndarray:
        """What a slot reads: the stream, with each patched source's value exchanged for its donor's."""
        for source in np.flatnonzero(self.mask[:, slot].any(axis=0)):
            share = self.mask[:, slot, source][:, None, None, None]
            stream = stream + share * (self.donors[source] - values[source])
        return stream


def node_outputs(
    config: Config,
    weights: Weights,
    tokens: Int[np.ndarray, "batch pos"],
    donors: Float[np.ndarray, "nodes #batch #pos d_model"] | None = None,
    patch: Float[np.ndarray, "slots nodes"] | None = None,
) -> Float[np.ndarray, "nodes batch pos d_model"]:
    """What each source adds to the residual stream, in float64; with donors patched in before it, where asked."""
    patching = _nothing(config, tokens)
    if donors is not None and patch is not None:
        patching = Patching(_spread(config, donors, tokens), np.asarray(patch, float)[None])
    values, _ = _evaluate(config, _double(weights), tokens, patching, None)
    return np.concatenate(values)


def forward(
    config: Config,
    weights: Weights,
    tokens: Int[np.ndarray, "batch pos"],
    donors: Float[np.ndarray, "nodes #batch #pos d_model"] | None = None,
    patch: Float[np.ndarray, "*rows slots nodes"] | None = None,
) -> Float[np.ndarray, "*rows batch pos outputs"]:
    """The output in float64, with donors patched in where asked."""
    if donors is None or patch is None:
        return _evaluate(config, _double(weights), tokens, _nothing(config, tokens), None)[1][0]
    rows = np.asarray(patch, float).reshape(-1, *patch.shape[-2:])
    patching = Patching(_spread(config, donors, tokens), rows)
    _, output = _evaluate(config, _double(weights), tokens, patching, None)
    return np.broadcast_to(output, (len(rows), *output.shape[1:])).reshape(*patch.shape[:-2], *output.shape[1:])


def edge_effects(
    config: Config,
    weights: Weights,
    graph: Graph,
    clean: Int[np.ndarray, "batch pos"],
    donors: Float[np.ndarray, "nodes #batch #pos d_model"],
    scored: Bool[np.ndarray, "pos"],
) -> Float[np.ndarray, "edges"]:
    """How far the output moves when each edge alone is patched.

    The Euclidean norm over scored positions and output coordinates of patched minus clean output, averaged over
    examples.
    """
    weights, donors = _double(weights), _spread(config, donors, clean)
    known, output = _evaluate(config, weights, clean, _nothing(config, clean), None)
    effects = np.zeros(len(graph.edges))
    for edges in _groups(graph, max(1, ROW_ELEMENTS // (clean.size * config.d_model))):
        one_hot = (edges[:, None] == np.arange(len(graph.edges))).astype(float)
        _, patched = _evaluate(config, weights, clean, Patching(donors, graph.patch_matrix(one_hot)), known)
        change = (patched - output)[:, :, np.asarray(scored, bool)]
        effects[edges] = np.sqrt(np.square(change).sum(axis=(2, 3))).mean(axis=1)
    return effects


def placebo(
    config: Config,
    weights: Weights,
    graph: Graph,
    clean: Int[np.ndarray, "batch pos"],
    scored: Bool[np.ndarray, "pos"],
) -> float:
    """The largest effect of patching a node with its own clean value: what numerical noise alone can do.

    The value is recomputed with the residual coordinates in another order (reversed, and rotated by half), so that
    sums are rounded differently; a mere repetition would reproduce every bit and show no noise.
    """
    forwards = np.arange(config.d_model)
    orders = (forwards[::-1], np.roll(forwards, config.d_model // 2))
    recomputed = [_recomputed(config, weights, clean, order) for order in orders]
    return float(max(edge_effects(config, weights, graph, clean, donors, scored).max() for donors in recomputed))


def _recomputed(config: Config, weights: Weights, tokens: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Node outputs of the model whose residual coordinates stand in another order, put back in place."""
    moved = {name: _reordered(name, array, order) for name, array in weights.items()}
    return node_outputs(config, moved, tokens)[..., np.argsort(order)]


def _reordered(name: str, array: np.ndarray, order: np.ndarray) -> np.ndarray:
    axis = RESIDUAL_AXIS.get(name.rsplit(".", 1)[-1])
    return array if axis is None else np.take(array, order, axis=axis)


def _groups(graph: Graph, size: int) -> Iterator[np.ndarray]:
    """Edges that first act at the same slot, `size` at a time."""
    for slot in np.unique(graph.first_slot):
        edges = np.flatnonzero(graph.first_slot == slot)
        for start in range(0, len(edges), size):
            yield edges[start : start + size]


def _double(weights: Weights) -> dict[str, np.ndarray]:
    return {name: np.asarray(array, np.float64) for name, array in weights.items()}


def _spread(config: Config, donors: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.asarray(donors, np.float64), (len(donors), *tokens.shape, config.d_model))


def _nothing(config: Config, tokens: np.ndarray) -> Patching:
    """No patch: one row, no pair."""
    nodes = 1 + (config.positions == "learned") + config.n_layers * (config.n_heads + bool(config.d_mlp))
    slots = config.n_layers * (3 * config.n_heads + bool(config.d_mlp)) + 1
    return Patching(np.zeros((nodes, *tokens.shape, config.d_model)), np.zeros((1, slots, nodes)))


def _supported(config: Config) -> None:
    """Refuse what this route does not compute: a truth that only one route gives is none."""
    plain = config.rotary_dims is None and not config.qk_norm and not config.parallel
    if not plain or config.activation not in ACTIVATIONS:
        raise BadInput(
            f"exhaustive patching in float64 computes no partial rotary positions ({config.rotary_dims}), head norms"
            f" ({config.qk_norm}), parallel layers ({config.parallel}) or activation {config.activation!r} outside"
            f" {tuple(ACTIVATIONS)}; use a model without them"
        )


def _evaluate(
    config: Config, weights: Weights, tokens: np.ndarray, patching: Patching, known: list[np.ndarray] | None
) -> tuple[list[np.ndarray], np.ndarray]:
    """Node values [rows or 1, batch, pos, d_model] and the output; `known` values stand where nothing has changed."""
    _supported(config)
    values = _inputs(config, weights, tokens)
    stream, changed, slot = sum(values[1:], values[0]), False, 0
    for layer in range(config.n_layers):
        read, before = stream, changed
        for head in range(config.n_heads):
            touched = before or patching.touches(slice(slot, slot + 3))
            if known is not None and not touched:
                value = known[len(values)]
            else:
                value = _head(config, weights, layer, head, [patching.read(read, values, slot + i) for i in range(3)])
            values.append(value)
            stream, changed, slot = stream + value, changed or touched, slot + 3
        stream = stream + weights.get(f"layers.{layer}.o_bias", 0.0)
        if config.d_mlp:
            touched = changed or patching.touches(slice(slot, slot + 1))
            if known is not None and not touched:
                value = known[len(values)]
            else:
                value = _mlp(config, weights, layer, patching.read(stream, values, slot))
            values.append(value)
            stream, changed, slot = stream + value, touched, slot + 1
    read = _normalised(config, weights, "final_norm", patching.read(stream, values, slot))
    return values, read @ weights["unembed"] + weights.get("unembed_bias", 0.0)


def _inputs(config: Config, weights: Weights, tokens: np.ndarray) -> list[np.ndarray]:
    embedded = weights["embed"][tokens][None]
    if config.positions != "learned":
        return [embedded]
    return [embedded, np.broadcast_to(weights["pos"][: tokens.shape[1]], embedded.shape)]


def _normalised(config: Config, weights: Weights, name: str, x: np.ndarray) -> np.ndarray:
    if config.norm == "none":
        return x
    if config.norm == "rmsnorm":
        return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + config.norm_eps) * weights[name]
    spread = np.sqrt(np.var(x, axis=-1, keepdims=True) + config.norm_eps)
    return (x - np.mean(x, axis=-1, keepdims=True)) / spread * weights[name] + weights.get(f"{name}_bias", 0.0)


def _head(config: Config, weights: Weights, layer: int, head: int, reads: list[np.ndarray]) -> np.ndarray:
    group = head // (config.n_heads // config.n_kv_heads)
    q, k, v = (
        _projected(config, weights, f"layers.{layer}", letter, index, read)
        for letter, index, read in zip("qkv", (head, group, group), reads, strict=True)
    )
    if config.positions == "rotary":
        q, k = _turned(config, q), _turned(config, k)
    scale = 1.0 / np.sqrt(config.d_head) if config.attention_scale is None else config.attention_scale
    scores = scale * np.matmul(q, np.swapaxes(k, -1, -2))
    if config.causal:
        scores = np.where(np.tri(scores.shape[-1], dtype=bool), scores, -np.inf)
    odds = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.matmul(odds / odds.sum(axis=-1, keepdims=True), v) @ weights[f"layers.{layer}.o"][head]


def _projected(config: Config, weights: Weights, at: str, letter: str, head: int, x: np.ndarray) -> np.ndarray:
    bias = weights[f"{at}.{letter}_bias"][head] if f"{at}.{letter}_bias" in weights else 0.0
    return _normalised(config, weights, f"{at}.norm1", x) @ weights[f"{at}.{letter}"][head] + bias


def _turned(config: Config, x: np.ndarray) -> np.ndarray:
    """Rotary positions: coordinate pairs (i, i + d_head / 2) as complex numbers, times exp(i angle)."""
    half = x.shape[-1] // 2
    angle = np.arange(x.shape[-2])[:, None] / config.rope_theta ** (np.arange(half) / half)
    turned = (x[..., :half] + 1j * x[..., half:]) * np.exp(1j * angle)
    return np.concatenate([turned.real, turned.imag], axis=-1)


def _mlp(config: Config, weights: Weights, layer: int, x: np.ndarray) -> np.ndarray:
    at = f"layers.{layer}"
    x = _normalised(config, weights, f"{at}.norm2", x)
    activation = ACTIVATIONS[config.activation]
    linear = x @ weights[f"{at}.mlp_in"] + weights.get(f"{at}.mlp_in_bias", 0.0)
    hidden = activation(x @ weights[f"{at}.mlp_gate"]) * linear if config.gated else activation(linear)
    return hidden @ weights[f"{at}.mlp_out"] + weights.get(f"{at}.mlp_out_bias", 0.0)
