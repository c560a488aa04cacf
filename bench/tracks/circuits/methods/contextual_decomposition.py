"""Contextual decomposition for transformers.

For every edge, clean minus donor of its source is the relevant part of what its destination reads; the relevant part is
led to the output beside the rest (rules: `bench.models.decomposition`) and the edge scores as the mean over examples of
|relevant part of the metric|.
Departs from the paper in scoring edges (the paper goes backwards from node to node and prunes greedily); in the
relevant part (clean minus the problem's donor, where the paper subtracts the mean); in biases, which belong wholly
to the rest; in attention, where queries and keys carry relevance; and in the chosen circuit: edges above a
share of the metric's scale.
"""

from __future__ import annotations

import numpy as np
import torch

from bench.models.decomposition import decompose_edges
from bench.tracks.circuits.experiment import SHARE, Experiment
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = (
    "Hsu et al. (2024), Efficient automated circuit discovery in transformers using contextual decomposition,"
    " arXiv:2407.00886"
)
DETERMINISTIC = True
EDGES_AT_ONCE = 16


def solve(problem: Problem, rng: np.random.Generator, *, share: float = SHARE) -> Answer:
    experiment = Experiment(problem)
    experiment.afford(2 * len(problem.edges) + 5, "a decomposition for every edge")
    scores = np.concatenate([scored(experiment, edges) for edges in batches(len(problem.edges))])
    return Answer(scores, experiment.choose(scores, share))


def batches(edges: int) -> list[np.ndarray]:
    return [np.arange(first, min(first + EDGES_AT_ONCE, edges)) for first in range(0, edges, EDGES_AT_ONCE)]


def scored(experiment: Experiment, edges: np.ndarray) -> np.ndarray:
    masks = experiment.graph.patch_matrix(np.eye(len(experiment.graph.edges))[edges])
    change = experiment.nodes - experiment.donors
    relevant = decompose_edges(experiment.model, experiment.nodes, change, torch.as_tensor(masks).to(change))
    return experiment.deviation(experiment.output - relevant).numpy()
