"""Which circuits suffice: runs of a model with everything outside a circuit patched, in float64 numpy.

A circuit is *sufficient* where the scored output stays what it was, within `TOLERANCE` of what patching all edges does
to it, on every example. It is *minimal* where no proper part of it is sufficient.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.models import exhaustive
from bench.models.compiled.certificate import Subject, Uncertified
from bench.models.graph import Graph

TOLERANCE = 1e-3
LOST = 0.1  # a part of a minimal circuit must lose at least this share of the behaviour: a hundred times the tolerance
ROWS = 256  # circuits a run
CONTEXTS = 64

Circuits = Bool[np.ndarray, "circuits edges"]


@dataclass(frozen=True)
class Bench:
    """A model whose circuits are run, with the donors of an intervention."""

    subject: Subject
    graph: Graph
    intervention: str = "resample"

    @cached_property
    def donors(self) -> Float[np.ndarray, "nodes #examples #pos d_model"]:
        return self.subject.donors(self.intervention)

    def outputs(self, circuits: Circuits) -> Float[np.ndarray, "circuits examples scored outputs"]:
        """Scored outputs with all edges outside each circuit patched."""
        subject = self.subject
        parts = (circuits[start : start + ROWS] for start in range(0, len(circuits), ROWS))
        masks = (self.graph.patch_matrix((~part).astype(float)) for part in parts)
        runs = [exhaustive.forward(subject.config, subject.weights, subject.clean, self.donors, mask) for mask in masks]
        return np.concatenate(runs)[:, :, subject.scored]

    @cached_property
    def ends(self) -> Float[np.ndarray, "2 examples scored outputs"]:
        """Scored outputs with no edge patched and with all of them."""
        return self.outputs(np.array([[True], [False]]).repeat(len(self.graph.edges), axis=1))

    @property
    def size(self) -> float:
        """How far patching all edges moves the output of the example that it moves most."""
        return float(np.sqrt(np.square(self.ends[1] - self.ends[0]).sum((1, 2))).max())

    def losses(self, circuits: Circuits) -> Float[np.ndarray, "circuits"]:
        """The largest distance to the clean output over examples, where patching all edges is 1."""
        changes = self.outputs(circuits) - self.ends[0]
        return np.sqrt(np.square(changes).sum((2, 3))).max(1) / self.size

    def suffices(self, circuits: Circuits) -> Bool[np.ndarray, "circuits"]:
        """Whether the loss is within the tolerance: one example at a time, each asked of what passed those before."""
        left = np.arange(len(circuits))
        for number in range(len(self.subject.clean)):
            one = self._alone(number)
            left = left[one.losses(circuits[left]) * one.size <= TOLERANCE * self.size] if len(left) else left
        return np.isin(np.arange(len(circuits)), left)

    def _alone(self, number: int) -> Bench:
        """The same on one example."""
        subject, example = self.subject, slice(number, number + 1)
        clean, corrupted = subject.clean[example], subject.corrupted[example]
        return Bench(replace(subject, clean=clean, corrupted=corrupted), self.graph, self.intervention)


def certify(bench: Bench, circuits: Circuits, tolerance: float = TOLERANCE, lost: float = LOST) -> None:
    """Raise `Uncertified` unless each circuit is sufficient, is not without any one edge, and the edges of none matter.

    That there are no further circuits is not shown here: `minimal_sufficient` does, for few edges.
    """
    losses = bench.losses(circuits)
    if (losses > tolerance).any():
        raise Uncertified(f"circuit {int(losses.argmax())} loses {losses.max():.1e} of the behaviour: not sufficient")
    for number, circuit in enumerate(circuits):
        without = np.array([circuit & (np.arange(len(circuit)) != edge) for edge in np.flatnonzero(circuit)])
        kept = bench.losses(without)
        if (kept < lost).any():
            raise Uncertified(f"circuit {number} loses {kept.min():.1e} without one of its edges: not minimal")


def inert_beside(
    bench: Bench, candidates: Int[np.ndarray, "candidates"], rng: np.random.Generator
) -> Float[np.ndarray, "contexts"]:
    """How much the output changes when all edges but the candidates are patched, in random contexts of candidates."""
    kept = np.zeros((CONTEXTS, len(bench.graph.edges)), bool)
    kept[:, candidates] = rng.random((CONTEXTS, len(candidates))) < 0.5
    others = ~np.isin(np.arange(len(bench.graph.edges)), candidates)
    alone, together = bench.outputs(kept), bench.outputs(kept | others)
    return np.sqrt(np.square(alone - together).sum((2, 3))).max(1) / bench.size


def minimal_sufficient(bench: Bench, candidates: Int[np.ndarray, "candidates"]) -> set[frozenset[int]]:
    """All minimal sufficient circuits among the subsets of some edges, every subset run: 14 edges in seconds, 17 in
    minutes."""
    subsets = np.arange(2 ** len(candidates))[:, None] >> np.arange(len(candidates)) & 1
    circuits = np.zeros((len(subsets), len(bench.graph.edges)), bool)
    circuits[:, candidates] = subsets
    sufficient = [frozenset(np.flatnonzero(c).tolist()) for c in circuits[bench.suffices(circuits)]]
    return set(_minimal(sufficient))


def _minimal(sets: Sequence[frozenset[int]]) -> Iterator[frozenset[int]]:
    yield from (one for one in sets if not any(other < one for other in sets))
