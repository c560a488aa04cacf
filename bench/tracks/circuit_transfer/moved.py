"""A trained model in disguise: heads permuted, a layer put in that nothing reads, residual stream and tokens moved.

The function stays what it was. The new layer reads everything and writes, with the root-mean-square norm of the model's
own nodes, to new residual axes that no trained node reads; then the stream is turned, so that these axes do not show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from bench.models.checkpoint import Config, along_residual, random_weights
from bench.models.compiled.dressing import random_rotation
from bench.models.exhaustive import Weights, node_outputs
from bench.models.graph import source_names
from bench.tracks.circuit_transfer.exchange import candidates
from bench.tracks.circuit_transfer.matching import layer_and_head

AXES = 8


@dataclass(frozen=True)
class Moved:
    """A disguised checkpoint, and where nodes and token numbers of the trained one are."""

    config: Config
    weights: dict[str, np.ndarray]
    nodes: dict[str, str]
    tokens: Int[np.ndarray, "vocabulary"]


def move(config: Config, weights: Weights, sample: Int[np.ndarray, "strings pos"], rng: np.random.Generator) -> Moved:
    """The same function elsewhere; `sample` are strings on which the norms of decoys are matched. Needs norm "none"."""
    if config.norm != "none":
        raise ValueError(f"norm is {config.norm!r}, under which the stream cannot be turned; give a model without")
    empty = int(rng.integers(config.n_layers + 1))
    layers = [layer for layer in range(config.n_layers + 1) if layer != empty]
    orders = [rng.permutation(config.n_heads) for _ in layers]
    wider = replace(config, n_layers=config.n_layers + 1, d_model=config.d_model + AXES)
    placed = _placed(config, weights, wider, layers, orders)
    _add_layer(wider, placed, empty, config.d_model, rng)
    tokens = rng.permutation(config.d_vocab)
    placed["embed"] = placed["embed"][np.argsort(tokens)]
    _match(wider, placed, empty, tokens[sample])
    turn = random_rotation(wider.d_model, rng)
    nodes = {node: _place(node, layers, orders) for node in candidates(config)}
    return Moved(wider, along_residual(placed, turn), nodes, tokens)


def _place(node: str, layers: list[int], orders: list[np.ndarray]) -> str:
    layer, head = layer_and_head(node)
    return f"m{layers[layer]}" if node[0] == "m" else f"a{layers[layer]}.h{orders[layer][head]}"


def _placed(
    config: Config, weights: Weights, wider: Config, layers: list[int], orders: list[np.ndarray]
) -> dict[str, np.ndarray]:
    """The trained weights in their new places, nothing on the new axes."""
    placed = {}
    doubles = {name: np.asarray(array, np.float64) for name, array in weights.items()}
    for name, found in along_residual(doubles, np.eye(config.d_model, wider.d_model)).items():
        head, _, rest = name.removeprefix("layers.").partition(".")
        if name.startswith("layers.") and rest in ("q", "k", "v", "o", "q_bias", "k_bias", "v_bias"):
            found = found[np.argsort(orders[int(head)])]
        placed[f"layers.{layers[int(head)]}.{rest}" if name.startswith("layers.") else name] = found
    return placed


def _add_layer(
    config: Config, weights: dict[str, np.ndarray], empty: int, width: int, rng: np.random.Generator
) -> None:
    """Gaussian weights for the layer that nothing reads; what it writes falls on the new axes alone."""
    drawn = random_weights(config, rng)
    for name in (name for name in drawn if name.startswith(f"layers.{empty}.")):
        weights[name] = drawn[name]
    for name in ("o", "o_bias", "mlp_out", "mlp_out_bias"):
        weights[f"layers.{empty}.{name}"][..., :width] = 0.0


def _match(config: Config, weights: dict[str, np.ndarray], empty: int, sample: np.ndarray) -> None:
    """Decoys write with the mean norm of the trained nodes of their kind."""
    outputs = dict(zip(source_names(config), node_outputs(config, weights, sample), strict=True))
    for kind, name in (("a", f"layers.{empty}.o"), ("m", f"layers.{empty}.mlp_out")):
        nodes = [node for node in candidates(config) if node[0] == kind]
        own = [node for node in nodes if layer_and_head(node)[0] != empty]
        size = np.mean([_rms(outputs[node]) for node in own])
        weights[name] *= size / np.mean([_rms(outputs[node]) for node in nodes if node not in own])


def _rms(vectors: Float[np.ndarray, "*any d_model"]) -> float:
    return float(np.sqrt(np.square(vectors).sum(axis=-1).mean()))
