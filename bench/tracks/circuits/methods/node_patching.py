"""Activation patching of whole nodes.

Each node's output is replaced by the donor's wherever it is read, and the node scores by how far the metric moves,
example by example. An edge scores as the weaker of its two ends: it cannot matter more than either. That is all a
node-level method knows about edges; the output as an end counts as the strongest node.
"""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.circuits.experiment import SHARE, Experiment, weaker_ends
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = (
    "Meng et al. (2022), Locating and editing factual associations in GPT, NeurIPS; Zhang and Nanda (2024), ICLR"
)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, share: float = SHARE) -> Answer:
    experiment = Experiment(problem)
    experiment.afford(len(experiment.graph.sources) + 3, "patching every node")
    effects = node_effects(experiment)
    scores = weaker_ends(problem.edges, effects)
    nodes = np.array([effects.get(node, max(effects.values())) for node in problem.nodes])
    return Answer(scores, experiment.choose(scores, share), nodes)


def node_effects(experiment: Experiment) -> dict[str, float]:
    """How far the metric moves when each source is replaced wherever it is read."""
    sources, feeds = experiment.graph.sources, torch.as_tensor(experiment.graph.feeds, dtype=torch.float64)
    problem, columns = experiment.problem, torch.eye(len(sources), dtype=torch.float64)
    found = [
        experiment.deviation(
            experiment.model.patched(problem.clean, experiment.donors, feeds * column, clean=experiment.nodes)
        )
        for column in columns
    ]
    return dict(zip(sources, map(float, found), strict=True))
