"""Parts of a network, the subnetwork that is left of them, and the inputs on which both must agree.

Everything here is numpy in float64, on the forward pass of `bench.models.exhaustive`: what scores an answer shares no
code with the torch runs by which methods find it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.models.checkpoint import Config, shapes
from bench.models.exhaustive import Weights, forward

CHUNK = 2048  # inputs run at a time


def parts_of(config: Config, weights: Weights) -> list[str]:
    """Heads and MLP units that write anything; slots of zeros, which fill up the tensors, are no parts."""
    return [part for layer in range(config.n_layers) for part in _parts_in(weights, layer, config.d_mlp)]


def _parts_in(weights: Weights, layer: int, units: int) -> list[str]:
    heads = np.flatnonzero(weights[f"layers.{layer}.o"].any(axis=(1, 2)))
    written = weights[f"layers.{layer}.mlp_out"] if units else np.zeros((0, 1))
    return [f"a{layer}.h{head}" for head in heads] + [
        f"m{layer}.u{unit}" for unit in np.flatnonzero(written.any(axis=1))
    ]


def place_of_part(part: str) -> tuple[str, int]:
    """The tensor through which a part writes, and its row there: "m0.u3" -> ("layers.0.mlp_out", 3)."""
    layer, number = part[1:].split(".")
    return f"layers.{layer}.{'o' if part[0] == 'a' else 'mlp_out'}", int(number[1:])


def parameters_of(config: Config, parts: list[str]) -> Int[np.ndarray, "parts"]:
    """How many numbers go with each part: its rows or columns of all tensors, biases counted.

    Keys and values that several query heads share go with none of them.
    """
    sizes = {"a": _size(config, "attention"), "m": _size(config, "mlp")}
    return np.array([sizes[part[0]] for part in parts], np.int64)


def _size(config: Config, kind: str) -> int:
    own = ("q", "k", "v", "o") if config.n_heads == config.n_kv_heads else ("q", "o")
    if kind == "attention":
        names, count = [*own, *(f"{letter}_bias" for letter in own if letter != "o")], config.n_heads
    else:
        names, count = ["mlp_in", "mlp_in_bias", "mlp_out", *(["mlp_gate"] if config.gated else [])], config.d_mlp
    if not count:
        return 0
    expected = shapes(config)
    return sum(int(np.prod(expected[f"layers.0.{name}"])) for name in names) // count


def subnetwork(weights: Weights, parts: list[str], keep: Bool[np.ndarray, "parts"]) -> dict[str, np.ndarray]:
    """The weights with deleted parts silenced: the function of the network that lacks them."""
    left = dict(weights)
    for part in (part for part, kept in zip(parts, keep, strict=True) if not kept):
        name, row = place_of_part(part)
        if left[name] is weights[name]:
            left[name] = weights[name].copy()
        left[name][row] = 0.0
    return left


def domain_size(allowed: Bool[np.ndarray, "pos vocabulary"]) -> int:
    """How many inputs there are."""
    return int(np.prod(allowed.sum(axis=1)))


def every_input(allowed: Bool[np.ndarray, "pos vocabulary"]) -> Int[np.ndarray, "inputs pos"]:
    """All sequences of allowed tokens, in the order of token numbers."""
    return np.array(list(product(*(np.flatnonzero(row) for row in allowed))), np.int64)


def draw_inputs(
    allowed: Bool[np.ndarray, "pos vocabulary"], count: int, rng: np.random.Generator
) -> Int[np.ndarray, "inputs pos"]:
    """Inputs drawn uniformly and independently."""
    return np.stack([rng.choice(np.flatnonzero(row), count) for row in allowed], axis=1).astype(np.int64)


def deviations(
    config: Config, weights: Weights, others: Weights, tokens: Int[np.ndarray, "inputs pos"],
    scored: Bool[np.ndarray, "pos"],
) -> Float[np.ndarray, "inputs"]:  # fmt: skip
    """How far the outputs of two networks of one shape lie apart on each input: the largest difference."""
    return np.concatenate([_apart(config, weights, others, chunk, scored) for chunk in _chunks(tokens)])


def _apart(config: Config, weights: Weights, others: Weights, tokens: np.ndarray, scored: np.ndarray) -> np.ndarray:
    change = forward(config, weights, tokens) - forward(config, others, tokens)
    return np.abs(change[:, scored]).max(axis=(1, 2))


def _chunks(tokens: Int[np.ndarray, "inputs pos"]) -> Iterator[np.ndarray]:
    for start in range(0, len(tokens), CHUNK):
        yield tokens[start : start + CHUNK]
