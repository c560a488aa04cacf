"""Automatic circuit discovery by pruning edge after edge.

From the output backwards every edge is patched in turn, on top of all edges that were removed before it. It is removed
for good where the metric moves away from its clean value by less than a threshold, and kept otherwise. What is left is
the circuit; an edge scores by how much it moved the metric when its turn came.
Two kinds of edges go without a test, since patching them changes nothing: those whose donor is the clean value (all
that was removed before lies downstream, so that the source still has that value), and those into a node whose outgoing
edges are all gone. The others are tried many at a time: a batch holds the runs in which the next 1, 2, ... edges are
gone, and it counts up to the first edge that has to stay, so that the outcome is that of one edge at a time. The batch
doubles while edges go and starts again at one edge where one stays: no more than two runs per edge in all.
Departs from the paper in the score: one run at one threshold, which is a share of the metric's scale, not a sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from bench.models.graph import node_of
from bench.models.patching import moving_edges
from bench.tracks.circuits.experiment import SHARE, Experiment
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = "Conmy et al. (2023), Towards automated circuit discovery for mechanistic interpretability, NeurIPS, alg. 1"
DETERMINISTIC = True

BATCH = 16  # removals tried at once, at most


def solve(problem: Problem, rng: np.random.Generator, *, share: float = SHARE) -> Answer:
    experiment = Experiment(problem)
    experiment.afford(2 * len(problem.edges) + 4, "testing every edge")
    kept, scores = prune(experiment, share * experiment.scale)
    return Answer(scores, kept)


def prune(experiment: Experiment, threshold: float) -> tuple[Bool[np.ndarray, "edges"], Float[np.ndarray, "edges"]]:
    """The edges that stay, and by how much each moved the metric when it was tested (0 without a test)."""
    moving = moving_edges(experiment.graph, experiment.nodes, experiment.donors) | (threshold <= 0)
    heard = Listeners.of(experiment.graph.edges)
    kept, scores = np.ones(len(moving), dtype=bool), np.zeros(len(moving))
    waiting, before, size = len(kept), 0.0, 1  # edges below `waiting` have not had their turn
    while waiting:
        batch = np.flatnonzero((moving & (heard.by(kept) | (threshold <= 0)))[:waiting])[::-1][:size]
        after = deviations(experiment, kept, batch)
        rises = np.diff(after, prepend=before)
        staying = np.flatnonzero(rises >= threshold)[:1]
        tested = batch[: staying[0] + 1] if len(staying) else batch
        scores[tested] = rises[: len(tested)]
        first = tested[-1] if len(tested) else 0
        kept[first:waiting] = False
        kept[batch[staying]] = True
        before = [before, *after][len(tested) - len(staying)]
        waiting, size = first, 1 if len(staying) else min(2 * size, BATCH)
    return kept, scores


@dataclass(frozen=True)
class Listeners:
    """For each edge the numbers of the place that it leaves and of the one that it enters (-1: nothing leaves it)."""

    leaves: Int[np.ndarray, "edges"]
    enters: Int[np.ndarray, "edges"]

    @classmethod
    def of(cls, edges: Sequence[str]) -> Listeners:
        ends = [edge.split("->") for edge in edges]
        place = {source: number for number, source in enumerate(dict.fromkeys(source for source, _ in ends))}
        entered = [place.get(end, place.get(node_of(end), -1)) for _, end in ends]
        return cls(np.array([place[source] for source, _ in ends]), np.array(entered))

    def by(self, kept: Bool[np.ndarray, "edges"]) -> Bool[np.ndarray, "edges"]:
        """Whether what an edge enters is still heard: some edge that leaves it is kept, or none leaves it at all."""
        heard = np.bincount(self.leaves[kept], minlength=self.leaves.max() + 1) > 0
        return (self.enters < 0) | heard[self.enters]


def deviations(
    experiment: Experiment, kept: Bool[np.ndarray, "edges"], batch: Int[np.ndarray, "batch"]
) -> Float[np.ndarray, "batch"]:
    """How far the metric lies from its clean value with the first 1, 2, ... edges of the batch gone as well."""
    if not len(batch):
        return np.zeros(0)
    removed = np.tile(~kept, (len(batch), 1))
    removed[:, batch] = np.tri(len(batch), dtype=bool)
    masks = torch.as_tensor(experiment.graph.patch_matrix(removed.astype(float)))
    problem = experiment.problem
    output = experiment.model.patched(problem.clean, experiment.donors, masks, clean=experiment.nodes)
    return experiment.deviation(output).numpy()
