"""Two compiled programs side by side in one model, and a program with one of its edges cut.

Twins share the embedding of tokens and positions and nothing else: the residual stream is the direct sum of theirs, and
every layer belongs to one of them, so that no head and no MLP serves both. An edge of one then has a counterpart in the
other, which does the same where the twins are the same program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import block_diag

from bench.models.checkpoint import shapes
from bench.models.compiled.conversion import BOS, Compiled, variable_of
from bench.models.compiled.dressing import place_of
from bench.models.compiled.interchange import Edge, Wiring

SHARED = ("embed", "pos", "output")


@dataclass(frozen=True)
class Twins:
    """Two compiled programs over the same tokens; `layers[i]` are the layers of the sum that belong to twin i."""

    members: tuple[Compiled, Compiled]
    layers: tuple[Int[np.ndarray, "layers"], Int[np.ndarray, "layers"]]

    @classmethod
    def shuffled(cls, first: Compiled, second: Compiled, rng: np.random.Generator) -> Twins:
        """The layers of the two in an order drawn at random, each keeping its own."""
        both = rng.permutation(first.config.n_layers + second.config.n_layers)
        return cls((first, second), (np.sort(both[: first.config.n_layers]), np.sort(both[first.config.n_layers :])))

    def place(self, twin: int, slot: str) -> str:
        """Where a node or slot of a twin is in the sum: "a0.h1.q" of the second -> "a2.h1.q"."""
        if slot in SHARED:
            return slot
        layer, dot, rest = slot[1:].partition(".")
        return f"{slot[0]}{self.layers[twin][int(layer)]}{dot}{rest}"

    def edge(self, twin: int, edge: Edge) -> Edge:
        return self.place(twin, edge[0]), self.place(twin, edge[1])

    def start(self, twin: int) -> int:
        """The first residual axis of a twin."""
        return self.members[0].config.d_model if twin else 0

    @cached_property
    def sum(self) -> Compiled:
        """The model that holds both; its outputs are those of the first and then those of the second."""
        first = self.members[0]
        config = replace(
            first.config, n_layers=sum(member.config.n_layers for member in self.members),
            **{name: max(getattr(member.config, name) for member in self.members)
               for name in ("n_heads", "n_kv_heads", "d_head", "d_mlp")},
            **{name: sum(getattr(member.config, name) for member in self.members) for name in ("d_model", "d_out")},
        )  # fmt: skip
        weights = {name: np.zeros(shape) for name, shape in shapes(config).items()}
        for name in ("embed", "pos"):
            weights[name] = np.concatenate([member.weights[name] for member in self.members], axis=1)
        weights["unembed"] = block_diag(*(member.weights["unembed"] for member in self.members))
        for twin in range(2):
            self._fill(weights, twin)
        labels = tuple(f"twin {twin} {label}" for twin, member in enumerate(self.members) for label in member.labels)
        return Compiled(config, weights, labels, first.tokens, ())

    def _fill(self, weights: Mapping[str, np.ndarray], twin: int) -> None:
        """A twin's layers in their places, on its own part of the residual stream."""
        member = self.members[twin]
        axes = slice(self.start(twin), self.start(twin) + member.config.d_model)
        for old, new in enumerate(self.layers[twin]):
            for letter in "qkv":
                given = member.weights[f"layers.{old}.{letter}"]
                weights[f"layers.{new}.{letter}"][: len(given), axes, : given.shape[2]] = given
            written = member.weights[f"layers.{old}.o"]
            weights[f"layers.{new}.o"][: len(written), : written.shape[1], axes] = written
            read, said = member.weights[f"layers.{old}.mlp_in"], member.weights[f"layers.{old}.mlp_out"]
            weights[f"layers.{new}.mlp_in"][axes, : read.shape[1]] = read
            weights[f"layers.{new}.mlp_out"][: len(said), axes] = said


def cut(wiring: Wiring, edge: Edge) -> Wiring:
    """The program and its model with one edge cut."""
    axes = np.eye(len(wiring.compiled.labels))[axes_read(wiring, edge)]
    weights = without(wiring.compiled.weights, edge[1], axes)
    return replace(wiring, compiled=replace(wiring.compiled, weights=weights), cut=edge)


def axes_read(wiring: Wiring, edge: Edge) -> Int[np.ndarray, "axes"]:
    """Residual axes of the variables that are read along an edge."""
    variables = {read.variable for read in wiring.reads if (read.source, read.slot) == edge}
    named = enumerate(wiring.compiled.labels)
    return np.array([axis for axis, label in named if variable_of(label) in variables and not label.endswith(BOS)])


def without(
    weights: Mapping[str, np.ndarray], slot: str, directions: Float[np.ndarray, "axes d_model"]
) -> dict[str, np.ndarray]:
    """Weights whose slot is blind along some orthonormal directions of the residual stream."""
    name, head = tensor_of(slot)
    changed = weights[name].copy()
    read = changed if head is None else changed[head]
    read -= directions.T @ (directions @ read)
    return {**weights, name: changed}


def tensor_of(slot: str) -> tuple[str, int | None]:
    """The tensor through which a slot reads, and the head in it: "a1.h2.q" -> ("layers.1.q", 2)."""
    if slot == "output":
        return "unembed", None
    node, _, letter = slot.rpartition(".")
    layer, head = place_of(node or slot)
    return f"layers.{layer}.{letter if node else 'mlp_in'}", head
