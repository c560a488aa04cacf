"""Which circuits suffice: runs of a model with everything outside a circuit patched, in float64 numpy.

A circuit is *sufficient* where the scored output stays what it was, within `TOLERANCE` of what patching all edges does
to it, on every example. It is *minimal* where no proper part of it is sufficient.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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

    def losses(self, circuits: Circuits) -> Float[np.ndarray, "circuits"]:
        """The largest distance to the clean output over examples, where patching all edges is 1."""
        ends = np.array([[True], [False]]).repeat(len(self.graph.edges), axis=1)
        clean, none = self.outputs(ends)
        size = np.sqrt(np.square(none - clean).sum((1, 2))).max()
        changes = self.outputs(circuits) - clean
        return np.sqrt(np.square(changes).sum((2, 3))).max(1) / size


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
    ends = bench.outputs(np.array([[True], [False]]).repeat(len(bench.graph.edges), axis=1))
    size = np.sqrt(np.square(ends[1] - ends[0]).sum((1, 2))).max()
    return np.sqrt(np.square(alone - together).sum((2, 3))).max(1) / size


def minimal_sufficient(bench: Bench, candidates: Int[np.ndarray, "candidates"]) -> set[frozenset[int]]:
    """All minimal sufficient circuits among the subsets of some edges, every subset run: at most some 14 edges."""
    subsets = np.array(
        [[number >> bit & 1 for bit in range(len(candidates))] for number in range(2 ** len(candidates))]
    )
    circuits = np.zeros((len(subsets), len(bench.graph.edges)), bool)
    circuits[:, candidates] = subsets
    sufficient = [frozenset(np.flatnonzero(c).tolist()) for c in circuits[bench.losses(circuits) <= TOLERANCE]]
    return set(_minimal(sufficient))


def _minimal(sets: Sequence[frozenset[int]]) -> Iterator[frozenset[int]]:
    yield from (one for one in sets if not any(other < one for other in sets))
