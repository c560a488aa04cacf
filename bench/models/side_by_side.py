"""Two models in one residual stream, of which one is read; and a model in disguise.

A model that stands beside another computes all that it did before, in residual coordinates of its own which the output
does not read. None of its nodes has any effect, whatever they attend to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Int

from bench.core.contract import BadInput
from bench.models.checkpoint import Config, along_residual, shapes
from bench.models.compiled.dressing import random_rotation

Weights = Mapping[str, np.ndarray]


def joined(config: Config, read: Weights, unread: Weights) -> tuple[Config, dict[str, np.ndarray]]:
    """Both models in a residual stream twice as wide; the heads and units of the unread one come after the others.

    Raises `BadInput` for models with norms, which would mix the two.
    """
    if config.norm != "none":
        raise BadInput(f"side by side: the models' norm is {config.norm!r}; only models without norms can be joined")
    wide = replace(
        config, n_heads=2 * config.n_heads, n_kv_heads=2 * config.n_kv_heads, d_model=2 * config.d_model,
        d_mlp=2 * config.d_mlp, attention_scale=config.scale,
    )  # fmt: skip
    both = {name: _beside(name, read[name], unread[name], shape) for name, shape in shapes(wide).items()}
    return wide, both


def _beside(name: str, read: np.ndarray, unread: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """One tensor of both: the unread one's entries lie after the read one's on every axis that has grown."""
    array = np.zeros(shape)
    array[tuple(slice(size) for size in read.shape)] = read
    if not name.startswith("unembed"):
        grown = zip(read.shape, shape, strict=True)
        array[tuple(slice(size if size < wide else 0, None) for size, wide in grown)] = unread
    return array


def disguised(
    config: Config, weights: Weights, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], list[Int[np.ndarray, "heads"]]]:
    """The same function in a rotated residual stream with the heads of each layer in another order.

    Also the order: head h of layer l in the disguise is head `order[l][h]` of the given model.
    """
    if config.norm != "none" or config.n_kv_heads != config.n_heads:
        raise BadInput("disguise: the model has norms or shares keys between heads; only plain models can be disguised")
    turn = random_rotation(config.d_model, rng)
    orders = [rng.permutation(config.n_heads) for _ in range(config.n_layers)]
    turned = along_residual(weights, turn)
    return {name: _reordered(name, array, orders) for name, array in turned.items()}, orders


def _reordered(name: str, array: np.ndarray, orders: list[np.ndarray]) -> np.ndarray:
    place, _, part = name.removeprefix("layers.").partition(".")
    return array[orders[int(place)]] if part[:2] in ("q", "k", "v", "o", "q_", "k_", "v_") else array
