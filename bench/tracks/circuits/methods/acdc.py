"""Automatic circuit discovery by pruning edge after edge.

From the output backwards every edge is patched in turn, on top of all edges that were removed before it. It is removed
for good where the metric moves away from its clean value by less than a threshold, and kept otherwise. What is left is
the circuit; an edge scores by how much it moved the metric when its turn came.
Removals are tried many at a time: a batch holds the runs in which the next 1, 2, ... edges are gone, and it counts up
to the first edge that has to stay, so that the outcome is that of one edge at a time. The batch doubles while edges
go and starts again at one edge where one stays: no more than two runs per edge in all.
Departs from the paper in the score: one run at one threshold, which is a share of the metric's scale, not a sweep.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float

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
    """The edges that stay, and by how much each moved the metric when it was tested."""
    order = np.arange(len(experiment.problem.edges))[::-1]
    kept, scores = np.ones(len(order), dtype=bool), np.zeros(len(order))
    done, before, size = 0, 0.0, 1
    while done < len(order):
        batch = order[done : done + size]
        after = deviations(experiment, kept, batch)
        rises = np.diff(after, prepend=before)
        staying = np.flatnonzero(rises >= threshold)
        gone = int(staying[0]) if len(staying) else len(batch)
        tested = batch[: gone + 1]
        scores[tested] = rises[: gone + 1]
        kept[batch[:gone]] = False
        before = after[gone - 1] if gone else before
        done += len(tested)
        size = 1 if len(staying) else min(2 * size, BATCH)
    return kept, scores


def deviations(
    experiment: Experiment, kept: Bool[np.ndarray, "edges"], batch: np.ndarray
) -> Float[np.ndarray, "batch"]:
    """How far the metric lies from its clean value with the first 1, 2, ... edges of the batch gone as well."""
    removed = np.tile(~kept, (len(batch), 1))
    removed[:, batch] = np.tri(len(batch), dtype=bool)
    masks = torch.as_tensor(experiment.graph.patch_matrix(removed.astype(float)))
    problem = experiment.problem
    output = experiment.model.patched(problem.clean, experiment.donors, masks, clean=experiment.nodes)
    return experiment.deviation(output).numpy()
