"""Compiled programs in disguise: the same function in other weights, so that an answer cannot be carried over.

A dressed model computes exactly what the compiled one does, in a residual stream that is wider and turned by a random
rotation. Token numbers are permuted, layers and heads stand elsewhere, and beside the program's nodes there are decoys:
heads, MLP units and whole layers that read everything and write to padded axes, which nothing but other decoys reads.
They are inert by construction, not by small weights: each writes with the root-mean-square norm of one of the program's
own nodes, and the program's nodes write to the padded axes too.

Decoys that cancel each other on axes that the program reads would not be inert: to patch one of them alone changes the
output.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from bench.models import exhaustive
from bench.models.checkpoint import Config, along_residual, shapes
from bench.models.compiled.conversion import Compiled
from bench.models.graph import source_names

Weights = dict[str, np.ndarray]
COLDNESS = 1.0
"""Attention scale of dressed models. Scores are then 0 or 100, as the compiler means them; Tracr's own models divide
them by sqrt(d_head), and leak 1e-4 to 1e-9 of the unselected values into every head."""


@dataclass(frozen=True)
class Outfit:
    """What is added to a compiled model: decoy heads and MLP units in every layer, inert layers, residual axes.

    At least two units a layer, which read opposite directions (a single one might never be active), and one axis.
    """

    heads: int = 1
    layers: int = 0
    units: int = 8
    axes: int = 8

    def __post_init__(self) -> None:
        if self.heads < 0 or self.layers < 0 or self.units < 2 or self.axes < 1:
            raise ValueError(f"{self}: give heads and layers of 0 or more, units of 2 or more, axes of 1 or more")


@dataclass(frozen=True)
class Dressed:
    """A dressed checkpoint and where the program's parts are: node to node, token number to token number.

    Axis i of the compiled model lies along row i of `turn`; the rows after the last are the padded axes.
    """

    config: Config
    weights: Weights
    nodes: dict[str, str]
    tokens: Int[np.ndarray, "vocabulary"]
    turn: Float[np.ndarray, "d_model d_model"]

    def slot(self, slot: str) -> str:
        """Where a slot of the compiled model is: "a0.h0.q" -> "a1.h2.q"."""
        node, letter = (slot[:-2], slot[-2:]) if slot[-1] in "qkv" else (slot, "")
        return self.nodes[node] + letter

    def edge(self, source: str, slot: str) -> str:
        """The name of an edge of the compiled model at q/k/v granularity."""
        return f"{self.nodes[source]}->{self.slot(slot)}"


def active_nodes(compiled: Compiled) -> tuple[str, ...]:
    """Nodes of a compiled model that write anything; Tracr fills up layers with heads and MLPs of zeros."""
    written = output_matrices(compiled.config, compiled.weights)
    return tuple(node for node, matrix in written.items() if matrix.any())


def output_matrices(config: Config, weights: Weights) -> dict[str, np.ndarray]:
    """The matrix through which each node writes to the residual stream."""
    return {node: _output_matrix(weights, node) for node in source_names(config)}


def _output_matrix(weights: Weights, node: str) -> np.ndarray:
    if node in ("embed", "pos"):
        return weights[node]
    layer, head = place_of(node)
    return weights[f"layers.{layer}.mlp_out"] if head is None else weights[f"layers.{layer}.o"][head]


def place_of(node: str) -> tuple[int, int | None]:
    """Layer and head of a node; an MLP has no head: "a1.h2" -> (1, 2), "m1" -> (1, None)."""
    layer, _, head = node[1:].partition(".h")
    return int(layer), int(head) if head else None


def dress(
    compiled: Compiled, outfit: Outfit, sample: Int[np.ndarray, "examples pos"], rng: np.random.Generator
) -> Dressed:
    """A disguise of a compiled model. `sample` are inputs of the compiled model on which norms are matched."""
    nodes = _places(compiled, outfit, rng)
    tokens = rng.permutation(compiled.config.d_vocab)
    config = _widened(compiled.config, outfit)
    weights = _program_parts(compiled, config, nodes)
    _Tailor(compiled, config, weights, nodes, rng).sew(sample)
    weights["embed"] = weights["embed"][np.argsort(tokens)]
    turn = random_rotation(config.d_model, rng)
    return Dressed(config, _rotated(config, weights, turn, rng), nodes, tokens, turn)


def _widened(config: Config, outfit: Outfit) -> Config:
    heads = config.n_heads + outfit.heads
    return replace(
        config, n_layers=config.n_layers + outfit.layers, n_heads=heads, n_kv_heads=heads,
        d_model=config.d_model + outfit.axes, d_mlp=config.d_mlp + outfit.units, attention_scale=COLDNESS,
    )  # fmt: skip


def _places(compiled: Compiled, outfit: Outfit, rng: np.random.Generator) -> dict[str, str]:
    """Where each node that writes anything goes: layers keep their order, heads do not."""
    config = compiled.config
    layers = np.sort(rng.permutation(config.n_layers + outfit.layers)[: config.n_layers])
    heads = [rng.permutation(config.n_heads + outfit.heads) for _ in layers]
    places = {"embed": "embed", "pos": "pos", "output": "output"}
    for node in active_nodes(compiled)[2:]:
        layer, head = place_of(node)
        places[node] = f"m{layers[layer]}" if head is None else f"a{layers[layer]}.h{heads[layer][head]}"
    return places


def _program_parts(compiled: Compiled, config: Config, nodes: dict[str, str]) -> Weights:
    """Zeros of the wider model's shape with the program's weights in their new places."""
    weights, given, d = {name: np.zeros(shape) for name, shape in shapes(config).items()}, compiled.weights, len(
        compiled.labels
    )  # fmt: skip
    for name in ("embed", "pos"):
        weights[name][:, :d] = given[name]
    weights["unembed"][:d] = given["unembed"]
    for node, place in nodes.items():
        if node not in ("embed", "pos", "output"):
            _move(given, place_of(node), weights, place_of(place), d)
    return weights


def _move(given: Weights, old: tuple[int, int | None], weights: Weights, new: tuple[int, int | None], d: int) -> None:
    source, target = f"layers.{old[0]}", f"layers.{new[0]}"
    if old[1] is None:
        units = given[f"{source}.mlp_in"].shape[1]
        weights[f"{target}.mlp_in"][:d, :units] = given[f"{source}.mlp_in"]
        weights[f"{target}.mlp_out"][:units, :d] = given[f"{source}.mlp_out"]
        return
    for letter in "qkv":
        weights[f"{target}.{letter}"][new[1], :d] = given[f"{source}.{letter}"][old[1]]
    weights[f"{target}.o"][new[1], :, :d] = given[f"{source}.o"][old[1]]


class _Tailor:
    """Fills in decoys layer by layer, each scaled on the sample to the norm of one of the program's nodes."""

    def __init__(
        self, compiled: Compiled, config: Config, weights: Weights, nodes: dict[str, str], rng: np.random.Generator
    ) -> None:
        self.compiled, self.config, self.weights, self.rng = compiled, config, weights, rng
        self.origin = {place: node for node, place in nodes.items()}
        self.padded = np.arange(config.d_model) >= len(compiled.labels)
        self.templates = [place_of(node) for node in nodes if node.startswith("a")]

    def sew(self, sample: Int[np.ndarray, "examples pos"]) -> None:
        norms = self._program_norms(sample)
        for name in ("embed", "pos"):
            self._fill_rows(self.weights[name])
        for layer in range(self.config.n_layers):
            for head in range(self.config.n_heads):
                self._add_head(layer, head)
            self._add_units(layer)
            self._match(layer, norms, sample)

    def _program_norms(self, sample: Int[np.ndarray, "examples pos"]) -> dict[str, float]:
        """Root-mean-square norm of what each of the program's nodes writes."""
        outputs = exhaustive.node_outputs(self.compiled.config, self.compiled.weights, sample)
        names = source_names(self.compiled.config)
        return {node: _rms(outputs[names.index(node)]) for node in self.origin.values() if node in names}

    def _fill_rows(self, table: np.ndarray) -> None:
        """Noise on the padded axes with the norm of the rows."""
        noise = self.rng.normal(size=(len(table), int(self.padded.sum())))
        norm = np.linalg.norm(table, axis=1).mean()
        table[:, self.padded] = norm * noise / np.linalg.norm(noise, axis=1, keepdims=True)

    def _add_head(self, layer: int, head: int) -> None:
        """A decoy attends, with even odds, as a head of the program in its layer does; its values are noise.

        Its values must be noise: those of a selector width are zero almost everywhere, and matching their norm would
        blow up what is left.
        """
        at = f"layers.{layer}"
        if f"a{layer}.h{head}" not in self.origin:
            places = [place_of(place)[1] for place in self.origin if place.startswith(f"a{layer}.h")]
            twins = [twin for twin in places if twin is not None]
            attends_alike = bool(twins) and self.rng.random() < 0.5
            for letter in "qk":
                matrix = self.weights[f"{at}.{letter}"]
                matrix[head] = matrix[self.rng.choice(twins)] if attends_alike else self._reading(letter)
            self.weights[f"{at}.v"][head] = self._reading("v")
        self.weights[f"{at}.o"][head][:, self.padded] = self._noise(self.config.d_head, self.padded.sum())

    def _reading(self, letter: str) -> Float[np.ndarray, "d_model d_head"]:
        """Noise with the norm of some head's projection."""
        layer, head = self.templates[self.rng.integers(len(self.templates))]
        norm = np.linalg.norm(self.compiled.weights[f"layers.{layer}.{letter}"][head])
        noise = self._noise(self.config.d_model, self.config.d_head)
        return norm * noise / np.linalg.norm(noise)

    def _add_units(self, layer: int) -> None:
        """Decoy units where no unit of the program is; all write to the padded axes alone.

        They read opposite directions in pairs, so that one of each pair is active whatever the input.
        """
        reads, writes = self.weights[f"layers.{layer}.mlp_in"], self.weights[f"layers.{layer}.mlp_out"]
        free = np.logical_not(writes.any(axis=1))
        norm = np.linalg.norm(reads[:, ~free], axis=0).mean() if not free.all() else 1.0
        half = self._noise(self.config.d_model, (free.sum() + 1) // 2)
        noise = np.concatenate([half, -half], axis=1)[:, : free.sum()]
        reads[:, free] = norm * noise / np.linalg.norm(noise, axis=0)
        writes[np.ix_(free, self.padded)] = self._noise(free.sum(), self.padded.sum())
        order = self.rng.permutation(free.size)
        reads[:], writes[:] = reads[:, order], writes[order]

    def _match(self, layer: int, norms: dict[str, float], sample: Int[np.ndarray, "examples pos"]) -> None:
        """Scale what the nodes of a layer write to the padded axes: heads first, since the MLP reads them."""
        heads = [f"a{layer}.h{head}" for head in range(self.config.n_heads)]
        for group in (heads, [f"m{layer}"]):
            written = self._padded_norms(layer, sample)
            for node in group:
                matrix = _output_matrix(self.weights, node)
                matrix[:, self.padded] *= self._target(node, norms) / written[node]

    def _padded_norms(self, layer: int, sample: Int[np.ndarray, "examples pos"]) -> dict[str, float]:
        config = replace(self.config, n_layers=layer + 1)
        outputs = exhaustive.node_outputs(config, self.weights, sample)[..., self.padded]
        return {node: _rms(output) for node, output in zip(source_names(config), outputs, strict=True)}

    def _target(self, node: str, norms: dict[str, float]) -> float:
        """The norm of the program's node in this place, or for a decoy of one of its kind."""
        if node in self.origin:
            return norms[self.origin[node]]
        alike = [norm for name, norm in norms.items() if name[0] == node[0]]
        return alike[self.rng.integers(len(alike))] if alike else float(np.mean(list(norms.values())))

    def _noise(self, *shape: int) -> np.ndarray:
        return self.rng.normal(size=tuple(int(length) for length in shape))


def _rms(vectors: Float[np.ndarray, "*any d"]) -> float:
    return float(np.sqrt(np.square(vectors).sum(axis=-1).mean()))


def _rotated(config: Config, weights: Weights, turn: np.ndarray, rng: np.random.Generator) -> Weights:
    """The same model in a residual stream turned by `turn`, query-key and value spaces by random rotations."""
    turned = along_residual(weights, turn)
    for layer in range(config.n_layers):
        for head in range(config.n_heads):
            inner = random_rotation(config.d_head, rng), random_rotation(config.d_head, rng)
            for letter, by in zip("qkv", (inner[0], inner[0], inner[1]), strict=True):
                turned[f"layers.{layer}.{letter}"][head] = turned[f"layers.{layer}.{letter}"][head] @ by
            turned[f"layers.{layer}.o"][head] = inner[1].T @ turned[f"layers.{layer}.o"][head]
    return turned


def random_rotation(size: int, rng: np.random.Generator) -> Float[np.ndarray, "size size"]:
    """A uniformly drawn orthogonal matrix (Mezzadri 2007, Notices of the AMS 54: 592, equation 5.6)."""
    orthogonal, triangular = np.linalg.qr(rng.normal(size=(size, size)))
    return orthogonal * np.sign(np.diag(triangular))
