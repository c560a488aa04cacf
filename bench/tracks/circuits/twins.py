"""Units of one program twice in one model: side by side with itself, or with itself after one edge was cut.

Beside its twin every edge of a program has a counterpart that does the same in other weights. Beside its cut twin it
has one in the same weights, which may no longer do anything: what the cut silenced is known by comparison.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Int
from tracr.rasp import rasp

from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.models.compiled.dressing import Dressed, active_nodes, dress
from bench.models.compiled.interchange import WIDTH, Edge, Wiring
from bench.models.compiled.twins import SHARED, Twins, axes_read, cut, without
from bench.models.graph import Graph, node_of
from bench.tracks.circuits.compiled import (
    GRANULARITY,
    Difficulty,
    Pairs,
    Source,
    Undrawable,
    direction_of,
    make_problem,
    make_truth,
    subject_of,
)
from bench.tracks.circuits.types import Problem, Truth

LEFT = 3  # edges that a cut must leave alive
SILENCED = 3  # edges that a cut must silence, itself among them
QUICK = 30  # pairs on which a cut is tried


@dataclass(frozen=True)
class TwinSource(Source):
    """A program beside itself; `is_cut` says whether the second lacks an edge."""

    is_cut: bool = False

    @cached_property
    def second(self) -> Wiring:
        """The other program: the same, or the same with a drawn edge cut that silences others and not all.

        Raises `Undrawable` where no edge is like that.
        """
        if not self.is_cut:
            return self.wiring
        rng = generator(self.identity, "cut")
        edges = [edge for edge in self.wiring.edges if edge in self.live_edges_of(self.wiring, self.sample)]
        for number in rng.permutation(len(edges)):
            if _can_be_cut(self.wiring, edges[number]):
                other = cut(self.wiring, edges[number])
                if self._silences_some(other):
                    return other
        raise Undrawable(f"{self.identity}: no edge can be cut that silences some others and not all; draw another")

    def _silences_some(self, other: Wiring) -> bool:
        few = self.sample[0][:QUICK], self.sample[1][:QUICK]
        whole, left = (self.live_edges_of(wiring, few) for wiring in (self.wiring, other))
        return left < whole and len(left) >= LEFT and len(whole) - len(left) >= SILENCED

    def live_edges(self, pairs: Pairs) -> set[Edge]:
        """Edges of both programs, their sources marked with the twin's number."""
        found = set()
        for twin, wiring in enumerate((self.wiring, self.second)):
            found |= {(f"{twin} {source}", slot) for source, slot in self.live_edges_of(wiring, pairs)}
        return found

    def unit(self, difficulty: Difficulty, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
        hidden, shown = self.draw_both(difficulty, rng)
        twins = Twins.shuffled(self.wiring.compiled, self.wiring.compiled, rng)
        dressed = self._cut(twins, dress(twins.sum, difficulty.outfit, twins.sum.encode(hidden[0]), rng))
        problem = make_problem(self.wiring, dressed, shown, self.scored, rng, workspace)
        first = problem.direction
        second = direction_of(self.second, shown, self.scored, rng) if self.is_cut else first
        truth = make_truth(subject_of(twins.sum, dressed, hidden, self.scored), self.null)
        return replace(problem, direction=np.concatenate([first, second], axis=2)), self._told(truth, twins, dressed)

    def _cut(self, twins: Twins, dressed: Dressed) -> Dressed:
        """The dressed twins, the second without the edge that it lacks; after dressing, so that what a silenced node
        would write still has the norm of a live one's."""
        edge = self.second.cut
        if edge is None:
            return dressed
        directions = dressed.turn[twins.start(1) + axes_read(self.second, edge)]
        return replace(dressed, weights=without(dressed.weights, dressed.slot(twins.place(1, edge[1])), directions))

    def _told(self, truth: Truth, twins: Twins, dressed: Dressed) -> Truth:
        """The truth with what is known of counterparts."""
        live = truth.circuits[0]
        first, second = counterparts(twins, dressed)
        if not self.is_cut:
            twin = np.full(len(live), -1)
            twin[first], twin[second] = second, first
            return replace(truth, twin=twin)
        silenced = second[live[first] & ~live[second]]
        return replace(truth, changed=np.isin(np.arange(len(live)), silenced))


def counterparts(twins: Twins, dressed: Dressed) -> tuple[Int[np.ndarray, "pairs"], Int[np.ndarray, "pairs"]]:
    """Edges of the first twin and those of the second that correspond to them, in the dressed model's numbering."""
    graph, own = Graph(dressed.config, GRANULARITY), Graph(twins.members[0].config, GRANULARITY)
    nodes = {*active_nodes(twins.members[0]), "output"}
    edges = [
        (own.sources[source], own.slots[slot])
        for slot, source in np.argwhere(own.feeds)
        if own.sources[source] in nodes and node_of(own.slots[slot]) in nodes
    ]
    told_apart = [edge for edge in edges if not {edge[0], edge[1]} <= set(SHARED)]
    first, second = (
        np.array([graph.index[dressed.edge(*twins.edge(twin, edge))] for edge in told_apart]) for twin in range(2)
    )
    return first, second


def _can_be_cut(wiring: Wiring, edge: Edge) -> bool:
    """Whether reading nothing along an edge has a meaning in the program: at the output it would end all, a selector's
    width is no variable, and a function of a number need not be defined at 0."""
    reads = [read for read in wiring.reads if (read.source, read.slot) == edge]
    if edge[1] == "output" or any(WIDTH in read.variable for read in reads):
        return False
    numbers = [read for read in reads if rasp.is_numerical(wiring.expressions[read.variable])]
    return all("." in read.slot or _sums(wiring, read.slot) for read in numbers)


def _sums(wiring: Wiring, slot: str) -> bool:
    """Whether an MLP does nothing with numbers but add them."""
    computed = [wiring.expressions[name] for name, node in wiring.writers.items() if node == slot]
    return all(
        isinstance(one, rasp.LinearSequenceMap)
        for one in computed
        if any(rasp.is_numerical(child) for child in one.children if isinstance(child, rasp.SOp))
    )
