"""The residual graph of a transformer: which node reads what, at four granularities.

Sources (in topological order) are "embed", "pos" (learned positions only), the heads "a{l}.h{h}" and then the MLP
"m{l}" of every layer. Destinations are the slots, the places where a sum of sources is read: "a{l}.h{h}.q", ".k",
".v", "m{l}" and "output". A slot is fed by every earlier source; heads of one layer do not feed each other, the MLP of
a layer reads that layer's heads, unless the two are parallel. What an edge is depends on the granularity:

    qkv    source -> slot: "embed->a0.h0.q"
    head   source -> node: "embed->a0.h0", its three slots together
    node   source -> everything: "embed->*", all that the source feeds
    acdc   as qkv, and one edge from each of a head's slots into the head: "a0.h0.q->a0.h0", which carries all that the
           slot reads; to patch it is to patch every edge into the slot (Conmy et al. 2023, NeurIPS, section 3)

A circuit is a set of edges. Edge values in [0, 1] say how far each edge is patched (0 the run's own value, 1 the
donor's); `Graph.patch_matrix` expands them to what the model takes, a mask over (slot, source).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from jaxtyping import Bool, Int

GRANULARITIES = ("node", "head", "qkv", "acdc")
INPUTS = ("embed", "pos")


class Shape(Protocol):
    """The part of a model's configuration that the graph depends on."""

    @property
    def n_layers(self) -> int: ...
    @property
    def n_heads(self) -> int: ...
    @property
    def d_mlp(self) -> int: ...
    @property
    def positions(self) -> str: ...
    @property
    def parallel(self) -> bool: ...


def source_names(config: Shape) -> tuple[str, ...]:
    """What writes to the residual stream, in topological order: the model's own nodes."""
    inputs = INPUTS if config.positions == "learned" else INPUTS[:1]
    return inputs + tuple(name for layer in range(config.n_layers) for name in _layer_nodes(config, layer))


def slot_names(config: Shape) -> tuple[str, ...]:
    """What reads the residual stream, in topological order; of a head first q, then k, then v."""
    layers = [slot for layer in range(config.n_layers) for slot in _layer_slots(config, layer)]
    return (*layers, "output")


def _layer_nodes(config: Shape, layer: int) -> tuple[str, ...]:
    heads = tuple(f"a{layer}.h{head}" for head in range(config.n_heads))
    return (*heads, f"m{layer}") if config.d_mlp else heads


def _layer_slots(config: Shape, layer: int) -> Iterable[str]:
    for node in _layer_nodes(config, layer):
        yield from (f"{node}.{letter}" for letter in "qkv") if node.startswith("a") else (node,)


def node_of(slot: str) -> str:
    """The node that a slot belongs to: "a0.h1.q" -> "a0.h1", "m0" -> "m0"."""
    return slot.rsplit(".", 1)[0] if slot[-1] in "qkv" else slot


def feeds(config: Shape) -> Bool[np.ndarray, "slots nodes"]:
    """Which source each slot reads."""
    sources = source_names(config)
    together = [name for name in sources if "h" in name or (config.parallel and name.startswith("m"))]
    first_of_layer = {name: sources.index(_layer_nodes(config, _layer(name))[0]) for name in together}
    limit = {name: first_of_layer.get(name, index) for index, name in enumerate(sources)} | {"output": len(sources)}
    return np.array([np.arange(len(sources)) < limit[node_of(slot)] for slot in slot_names(config)])


def _layer(node: str) -> int:
    return int(node[1:].split(".")[0])


@dataclass(frozen=True)
class Graph:
    """The residual graph of a model shape at one granularity.

    With `merge_pos` the learned position embedding is no node of its own but a part of "embed".
    `sources` and `slots` are the model's own (the axes of node outputs and patch matrices); `nodes` and `edges` are
    the graph's, and `nodes` ends with "output".
    """

    config: Shape
    granularity: str
    merge_pos: bool = False

    def __post_init__(self) -> None:
        if self.granularity not in GRANULARITIES:
            raise ValueError(f"granularity is {self.granularity!r}; choose one of {GRANULARITIES}")

    @cached_property
    def sources(self) -> tuple[str, ...]:
        return source_names(self.config)

    @cached_property
    def slots(self) -> tuple[str, ...]:
        return slot_names(self.config)

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        return (*dict.fromkeys(self._shown(source) for source in self.sources), "output")

    @cached_property
    def edges(self) -> tuple[str, ...]:
        """Names, by destination and then by source (topological order of the sources at node granularity)."""
        return tuple(dict.fromkeys(edge for slot in range(len(self.slots)) for edge in self._edges_into(slot)))

    def _edges_into(self, slot: int) -> list[str]:
        """The edges that feed a slot, then, at acdc granularity, the slot's own edge into its head."""
        edges = [self._edge_at(slot, int(source)) for source in np.flatnonzero(self.feeds[slot])]
        return [*edges, self._internal(self.slots[slot])] if self._has_internal(slot) else edges

    def _shown(self, source: str) -> str:
        return "embed" if self.merge_pos and source == "pos" else source

    def _edge_at(self, slot: int, source: int) -> str:
        name = self._shown(self.sources[source])
        destination = {"node": "*", "head": node_of(self.slots[slot])}.get(self.granularity, self.slots[slot])
        return f"{name}->{destination}"

    def _has_internal(self, slot: int) -> bool:
        return self.granularity == "acdc" and self.slots[slot] != node_of(self.slots[slot])

    @staticmethod
    def _internal(slot: str) -> str:
        return f"{slot}->{node_of(slot)}"

    @cached_property
    def feeds(self) -> Bool[np.ndarray, "slots nodes"]:
        """Which source each slot reads."""
        return feeds(self.config)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each edge in `edges`."""
        return {edge: position for position, edge in enumerate(self.edges)}

    @cached_property
    def edge_of(self) -> Int[np.ndarray, "slots nodes"]:
        """The edge that carries each source to each slot; -1 where the slot does not read the source."""
        table = np.full(self.feeds.shape, -1)
        for slot, source in np.argwhere(self.feeds):
            table[slot, source] = self.index[self._edge_at(slot, source)]
        return table

    @cached_property
    def internal_of(self) -> Int[np.ndarray, "slots"]:
        """The edge that carries the whole slot into its head (acdc granularity); -1 where there is none."""
        table = np.full(len(self.slots), -1)
        for slot, name in enumerate(self.slots):
            if self._has_internal(slot):
                table[slot] = self.index[self._internal(name)]
        return table

    @cached_property
    def internal(self) -> Bool[np.ndarray, "edges"]:
        """Which edges lie inside a head."""
        return np.isin(np.arange(len(self.edges)), self.internal_of)

    @cached_property
    def first_slot(self) -> Int[np.ndarray, "edges"]:
        """The earliest slot that each edge changes: nothing before it differs when the edge is patched."""
        slots, first = np.arange(len(self.slots)), np.full(len(self.edges), len(self.slots))
        np.minimum.at(first, self.edge_of[self.feeds], np.nonzero(self.feeds)[0])
        inner = self.internal_of >= 0
        first[self.internal_of[inner]] = slots[inner]
        return first

    def patch_matrix(self, values: Any) -> Any:
        """Edge values [..., edges] as a mask [..., slots, nodes] (numpy or torch; linear but for acdc's inner edges).

        Where an inner edge i and an edge e lead to the same pair the mask is 1 - (1 - e)(1 - i): either suffices.
        """
        values = _as_float(values)
        edges = values[..., np.maximum(self.edge_of, 0)]
        if self.internal.any():
            inner = values[..., np.maximum(self.internal_of, 0)] * _like(self.internal_of >= 0, values)
            edges = 1 - (1 - edges) * (1 - inner)[..., None]
        return edges * _like(self.feeds, values)

    def reduce(self, values: Any) -> Any:
        """Sums of [..., slots, nodes] over the pairs of each edge, [..., edges].

        The adjoint of `patch_matrix` (of its derivative at 0 where there are inner edges): it takes the derivatives by
        (slot, source) to the derivatives by edge.
        """
        summed = _scatter(values, self.edge_of, len(self.edges))
        if self.internal.any():
            summed = summed + _scatter((values * _like(self.feeds, values)).sum(-1), self.internal_of, len(self.edges))
        return summed

    def parents(self, node: str) -> tuple[str, ...]:
        """Sources with an edge to a node or slot."""
        rows = [slot for slot, name in enumerate(self.slots) if node in (name, node_of(name))]
        return self._unique(self.sources[n] for n in np.flatnonzero(self.feeds[rows].any(axis=0)))

    def children(self, node: str) -> tuple[str, ...]:
        """Nodes that a source feeds."""
        columns = [n for n, source in enumerate(self.sources) if self._shown(source) == node]
        return self._unique(node_of(self.slots[s]) for s in np.flatnonzero(self.feeds[:, columns].any(axis=1)))

    def _unique(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._shown(name) for name in names))

    def prune(self, circuit: Bool[np.ndarray, "edges"]) -> Bool[np.ndarray, "edges"]:
        """The edges of a circuit that lie on a path from an input to the output through the circuit."""
        present = self._present(np.asarray(circuit, bool))
        useful = present & self._from_inputs(present)[None, :] & self._to_output(present)[:, None]
        on_a_path = np.zeros(len(self.edges), dtype=bool)
        on_a_path[self.edge_of[useful]] = True
        on_a_path[self.internal_of[useful.any(1) & (self.internal_of >= 0)]] = True
        return on_a_path & circuit

    def _present(self, circuit: Bool[np.ndarray, "edges"]) -> Bool[np.ndarray, "slots nodes"]:
        """Pairs over which the circuit carries a source all the way into the node."""
        carried = circuit[np.maximum(self.edge_of, 0)] & self.feeds
        return carried & np.where(self.internal_of >= 0, circuit[self.internal_of], True)[:, None]

    def _from_inputs(self, present: Bool[np.ndarray, "slots nodes"]) -> Bool[np.ndarray, "nodes"]:
        reached = np.array([source in INPUTS for source in self.sources])
        for n, source in enumerate(self.sources):
            reached[n] |= (present[self._owned(source)] & reached).any()
        return reached

    def _to_output(self, present: Bool[np.ndarray, "slots nodes"]) -> Bool[np.ndarray, "slots"]:
        leads = np.array([slot == "output" for slot in self.slots])
        for n in reversed(range(len(self.sources))):
            leads[self._owned(self.sources[n])] |= (present[:, n] & leads).any()
        return leads

    def _owned(self, node: str) -> Int[np.ndarray, "slots_of_node"]:
        return np.flatnonzero(self._owners == node)

    @cached_property
    def _owners(self) -> np.ndarray:
        """The node that each slot belongs to."""
        return np.array([node_of(slot) for slot in self.slots])

    def coarsen(self, values: np.ndarray, coarse: Graph) -> np.ndarray:
        """The largest value among this graph's edges that make up each edge of a coarser graph of the same model.

        Inner edges of acdc granularity have no counterpart and are left out.
        """
        pairs = self.feeds & coarse.feeds
        result = np.full(len(coarse.edges), -np.inf)
        np.maximum.at(result, coarse.edge_of[pairs], np.asarray(values, float)[self.edge_of[pairs]])
        return result


def _as_float(values: Any) -> Any:
    """Flags as numbers, so that they can be subtracted from 1; torch tensors and float arrays as they are."""
    if hasattr(values, "new_tensor"):
        return values if values.is_floating_point() else values.float()
    values = np.asarray(values)
    return values if values.dtype.kind == "f" else values.astype(float)


def _like(array: np.ndarray, values: Any) -> Any:
    """A numpy array as what `values` is: the same library, dtype and device."""
    return values.new_tensor(array) if hasattr(values, "new_tensor") else array.astype(values.dtype)


def _scatter(values: Any, index: np.ndarray, size: int) -> Any:
    """Sum the trailing axes of `values` (as many as `index` has) into `size` bins; a negative index is left out."""
    leading = values.shape[: values.ndim - index.ndim]
    kept = np.flatnonzero(index.ravel() >= 0)
    flat, bins = values.reshape(*leading, -1)[..., kept], index.ravel()[kept]
    if hasattr(values, "new_tensor"):
        return values.new_zeros((*leading, size)).index_add(-1, values.new_tensor(bins).long(), flat)
    summed = np.zeros((size, *leading), values.dtype)
    np.add.at(summed, bins, np.moveaxis(flat, -1, 0))
    return np.moveaxis(summed, 0, -1)
