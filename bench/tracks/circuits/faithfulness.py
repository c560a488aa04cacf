"""How much of a behaviour circuits keep: everything outside a circuit is patched, and the problem's metric is read.

The faithfulness of a circuit C is f(C) = (m(C) - m(none)) / (m(all) - m(none)), with m the problem's metric (Wang et
al. 2023, ICLR; Miller et al. 2024, COLM): 0 for the empty circuit, 1 for the whole model, and bounded by neither.
A ranking of edges makes a curve of nested circuits. Tied edges enter together, edges on no path from input to output do
not count, and circuits are placed at the number of edges that is left.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from bench.core.contract import generator
from bench.models.graph import Graph, node_of
from bench.models.patching import BATCH_ELEMENTS
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

POINTS = 8
MIB_SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
HALVES, SINGLES = 4, 4  # knock-outs of half of a chosen circuit, and of one edge of it
TESTED = 8  # edges of a chosen circuit that are left out, one at a time
ADDED = 9  # edges that are put in, one at a time: larger than each of nine has a chance of one in ten
ROUNDING = 1e-9  # of the metric's scale
NEGLIGIBLE = 0.01  # of what the whole circuit restores

Circuits = Bool[np.ndarray, "circuits edges"]


@dataclass(frozen=True)
class Curve:
    """Faithfulness of nested circuits, by the number of edges that each really has; it begins with no edge."""

    edges: Int[np.ndarray, "points"]
    faithfulness: Float[np.ndarray, "points"]

    @classmethod
    def of(cls, edges: Int[np.ndarray, "circuits"], faithfulness: Float[np.ndarray, "circuits"]) -> Curve:
        """From nested circuits in order of size, of which several may be the same, to one point each."""
        sizes, where = np.unique(np.append(0, edges), return_index=True)
        return cls(sizes, np.append(0.0, faithfulness)[where])

    def area(self, values: Float[np.ndarray, "points"]) -> float:
        """The mean of values over the logarithm of the number of edges, from 1 to all.

        Between two circuits it is interpolated linearly. What holds without an edge holds up to the first circuit.
        """
        position = np.log(np.maximum(self.edges, 1)) / np.log(self.edges[-1])
        first = position[1] * values[0]  # from one edge to the first circuit
        return float(first + np.trapezoid(values[1:], position[1:]))

    @property
    def cpr(self) -> float:
        """Circuit performance ratio, bounded: the area below clip(f, 0, 1)."""
        return self.area(np.clip(self.faithfulness, 0, 1))

    @property
    def cmd(self) -> float:
        """Circuit-model distance, bounded: the area below min(|1 - f|, 1), f not clipped."""
        return self.area(np.minimum(np.abs(1 - self.faithfulness), 1))

    @property
    def over_recovery(self) -> float:
        """The area of f above 1: what a circuit restores beyond the whole model."""
        return self.area(np.maximum(self.faithfulness - 1, 0))


class Faithfulness:
    """A problem whose circuits are run."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.experiment = Experiment(problem)
        self.graph: Graph = self.experiment.graph

    def of(self, circuits: Circuits) -> Float[np.ndarray, "circuits"]:
        """Faithfulness of each circuit, everything else patched."""
        none, whole = self._ends
        return (self._metric(circuits) - none) / (whole - none)

    @cached_property
    def _ends(self) -> tuple[float, float]:
        none, whole = self._metric(np.array([[False], [True]]).repeat(len(self.problem.edges), axis=1))
        return float(none), float(whole)

    @property
    def is_defined(self) -> bool:
        """Whether the behaviour is lost with all edges patched, by more than rounding."""
        none, whole = self._ends
        return abs(whole - none) > ROUNDING * self.experiment.scale

    def _metric(self, circuits: Circuits) -> Float[np.ndarray, "circuits"]:
        """The metric of each circuit; equal ones, of which rankings make many, are run once."""
        size = self._batch_size
        different, which = np.unique(circuits, axis=0, return_inverse=True)
        runs = [self._run(different[start : start + size]) for start in range(0, len(different), size)]
        return np.concatenate(runs)[which]

    def _run(self, circuits: Circuits) -> Float[np.ndarray, "circuits"]:
        experiment = self.experiment
        masks = torch.as_tensor(self.graph.patch_matrix((~circuits).astype(float)))
        with torch.no_grad():
            outputs = experiment.model.patched(self.problem.clean, experiment.donors, masks, clean=experiment.nodes)
            return np.array([float(experiment.metric(output)) for output in outputs])

    @cached_property
    def _batch_size(self) -> int:
        nodes = self.experiment.nodes
        return max(1, 8 * BATCH_ELEMENTS // nodes.numel())


def measures(problem: Problem, answer: Answer) -> dict[str, float]:
    """Every measure of an answer that runs its circuits; nothing where the behaviour survives the loss of all edges."""
    faithfulness = Faithfulness(problem)
    if not faithfulness.is_defined:
        return {}
    graph, circuit = faithfulness.graph, np.asarray(answer.circuit, bool)
    sizes = sizes_of(len(circuit))
    nested = np.array([graph.prune(chosen) for chosen in best(answer.edge_scores, sizes)])
    groups = (nested, circuit[None], *knocked(circuit), left_out(circuit), put_in(graph, circuit))
    values = faithfulness.of(np.vstack(groups))
    parts = np.split(values, np.cumsum([len(group) for group in groups])[:-1])
    ranked, (chosen,), within, without, less, more = parts
    curve, mib = Curve.of(nested.sum(1), ranked), mib_points(sizes, ranked)
    return {
        "cpr": curve.cpr, "cmd": curve.cmd, "over_recovery": curve.over_recovery,
        "mib_cpr": float(np.trapezoid(mib, MIB_SHARES)), "mib_cmd": float(np.trapezoid(np.abs(1 - mib), MIB_SHARES)),
        "circuit_faithfulness": float(chosen), "incompleteness": float(np.abs(within - without).mean()),
        **of_edges(np.abs(less - chosen), np.abs(more - chosen)),
    }  # fmt: skip


def of_edges(less: Float[np.ndarray, "tested"], more: Float[np.ndarray, "added"]) -> dict[str, float]:
    """Whether a circuit's edges are needed, from how far faithfulness moves without each and with each further one.

    Superfluous is an edge whose loss moves it by at most `NEGLIGIBLE`, without a test. Minimality is the share of edges
    whose loss moves it farther than each added edge does: the comparison by which Shi et al. (2024, Hypothesis testing
    the circuit hypothesis in LLMs, NeurIPS) test minimality. Departs from them in the reference, single edges between
    the circuit's nodes instead of one edge of a random path, and in giving a share. Neither is defined without edges.
    """
    if not len(less):
        return {}
    least = max(more.max(initial=0.0), ROUNDING)
    return {"superfluous_share": float((less <= NEGLIGIBLE).mean()), "minimality": float((less > least).mean())}


def sizes_of(edges: int) -> Int[np.ndarray, "sizes"]:
    """Numbers of edges at which circuits are run: even over the logarithm, and those of the public benchmark."""
    return np.unique(np.concatenate([np.geomspace(1, edges, POINTS).round().astype(int), mib_sizes(edges)]))


def mib_sizes(edges: int) -> Int[np.ndarray, "shares"]:
    return (np.array(MIB_SHARES) * edges).astype(int)


def mib_points(
    sizes: Int[np.ndarray, "sizes"], faithfulness: Float[np.ndarray, "sizes"]
) -> Float[np.ndarray, "shares"]:
    """Faithfulness at the nominal shares of edges, as the Mechanistic Interpretability Benchmark integrates it: over a
    linear axis from .001 to 1, bounded by nothing (Mueller et al. 2025, ICML, section 3). Departs in ties, which enter
    together, and in one ranking for both areas."""
    return faithfulness[np.searchsorted(sizes, mib_sizes(int(sizes[-1])))]


def knocked(circuit: Bool[np.ndarray, "edges"]) -> tuple[Circuits, Circuits]:
    """The circuit and the whole model, both without the same edges of the circuit (Wang et al. 2023, section 4: a
    circuit is complete where it answers a knock-out as the model does)."""
    out = knock_outs(circuit) & circuit
    return circuit & ~out, ~out


def knock_outs(circuit: Bool[np.ndarray, "edges"]) -> Bool[np.ndarray, "knock_outs edges"]:
    """Random halves of all edges, and single edges of the circuit: of edges that are all needed most halves break
    everything, and tell nothing apart. The same for answers that choose equally many."""
    rng = generator("circuits", "knock-outs", len(circuit), int(circuit.sum()))
    halves = rng.random((HALVES, len(circuit))) < 0.5
    return np.vstack([halves, one_each(some_of(circuit)[:SINGLES], len(circuit))])


def left_out(circuit: Bool[np.ndarray, "edges"]) -> Circuits:
    """The circuit without one of its edges."""
    return circuit & ~one_each(some_of(circuit), len(circuit))


def put_in(graph: Graph, circuit: Bool[np.ndarray, "edges"]) -> Circuits:
    """The circuit with one further edge: one between its own nodes, or any where there are none."""
    return circuit | one_each(_some(beside(graph, circuit), "put in", ADDED), len(circuit))


def beside(graph: Graph, circuit: Bool[np.ndarray, "edges"]) -> Bool[np.ndarray, "edges"]:
    """Edges outside a circuit between nodes that it has, or all outside where there are none."""
    ends = [(source, node_of(slot)) for source, slot in (edge.split("->") for edge in graph.edges)]
    nodes = {node for pair, kept in zip(ends, graph.prune(circuit), strict=True) if kept for node in pair}
    among = np.array([nodes.issuperset(pair) for pair in ends]) & ~circuit
    return among if among.any() else ~circuit


def one_each(edges: Int[np.ndarray, "some"], count: int) -> Circuits:
    """A set of each edge alone."""
    return edges[:, None] == np.arange(count)


def some_of(circuit: Bool[np.ndarray, "edges"]) -> Int[np.ndarray, "tested"]:
    """Up to `TESTED` edges of a circuit, drawn."""
    return _some(circuit, "superfluous", TESTED)


def _some(edges: Bool[np.ndarray, "edges"], purpose: str, most: int) -> Int[np.ndarray, "some"]:
    marked = np.flatnonzero(edges)
    return generator("circuits", purpose, len(edges), len(marked)).permutation(marked)[:most]


def best(scores: Float[np.ndarray, "edges"], sizes: Int[np.ndarray, "sizes"]) -> Circuits:
    """At most so many edges of the highest scores, tied edges all together or not at all."""
    ordered = np.sort(scores)[::-1]
    following = np.append(ordered[1:], -np.inf)
    whole = np.append(0, np.flatnonzero(ordered != following) + 1)  # sizes at which no tie is cut
    return np.array([_above(scores, ordered, int(whole[whole <= size].max())) for size in sizes])


def _above(scores: Float[np.ndarray, "edges"], ordered: np.ndarray, size: int) -> Bool[np.ndarray, "edges"]:
    return scores >= ordered[size - 1] if size else np.zeros(len(scores), dtype=bool)


def mib_auroc(graph: Graph, scores: Float[np.ndarray, "edges"], live: Bool[np.ndarray, "edges"]) -> float:
    """AUROC as the Mechanistic Interpretability Benchmark defines it: trapezoid over the circuits of `MIB_SHARES`.

    A circuit of n edges is grown from the output: n times the best edge into a node that is in it already. The false
    positive rate is divided by that of the last circuit; there is no point (0, 0), so that a perfect ranking may fall
    short of 1 where the first circuit holds a false edge.
    """
    order = np.fromiter(greedy(graph, scores), int)
    circuits = [order[: int(share * len(scores))] for share in MIB_SHARES]
    true = np.array([live[circuit].sum() / live.sum() for circuit in circuits])
    false = np.array([(~live[circuit]).sum() / (~live).sum() for circuit in circuits])
    return float(np.trapezoid(true, false / false[-1]))


def greedy(graph: Graph, scores: Float[np.ndarray, "edges"]) -> Iterator[int]:
    """Edges in the order in which they join a circuit that grows from the output."""
    into: dict[str, list[int]] = {}
    for number, name in enumerate(graph.edges):
        into.setdefault(node_of(name.split("->")[1]), []).append(number)
    reached = {"output"}
    frontier = [(-float(scores[edge]), edge) for edge in into["output"]]
    heapq.heapify(frontier)
    while frontier:
        _, edge = heapq.heappop(frontier)
        yield edge
        source = graph.edges[edge].split("->")[0]
        if source not in reached:
            reached.add(source)
            for further in into.get(source, ()):
                heapq.heappush(frontier, (-float(scores[further]), further))
