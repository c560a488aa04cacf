"""Ensemble of attribution rankings.

Four rankings of the edges are averaged: the first-order effect at the clean run, at the run whose token embedding is
the donor's, averaged over the way from there to the clean one (integrated gradients), and the weaker end of the edge
when whole nodes are patched. An edge scores by its mean rank as a share of the edges (ties share theirs), so that no
member's unit or tail counts. It is chosen where more than half of the members have it above a share of the metric's
scale, and pruned to paths.
Departs from the shared task's entry in averaging ranks where it averages scores, and in the members.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import rankdata

from bench.tracks.circuits.experiment import SHARE, Experiment, weaker_ends
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = (
    "Mondorf et al. (2025), BlackboxNLP-2025 MIB shared task: exploring ensemble strategies for circuit localization"
    " methods (parallel ensembles); Mueller et al. (2025), MIB, ICML"
)
NEEDS = ("gradients",)
DETERMINISTIC = True

TIES = 9  # decimals of the metric's scale: what differs by less differs by rounding, and ties


def solve(problem: Problem, rng: np.random.Generator, *, steps: int = 5, share: float = SHARE) -> Answer:
    experiment = Experiment(problem)
    experiment.afford(2 * (steps + 1) + len(experiment.graph.sources) + 5, "an ensemble")
    members = np.stack([*attributions(experiment, steps), weaker_ends(problem.edges, node_effects(experiment))])
    votes = (members > share * experiment.scale).mean(0)
    return Answer(mean_rank(np.round(members / experiment.scale, TIES)), experiment.graph.prune(votes > 0.5))


def mean_rank(members: Float[np.ndarray, "members edges"]) -> Float[np.ndarray, "edges"]:
    """The mean over members of each edge's rank, as a share of the number of edges."""
    return rankdata(members, axis=1).mean(0) / members.shape[1]


def attributions(experiment: Experiment, steps: int) -> list[Float[np.ndarray, "edges"]]:
    """First-order effects at the clean run, at the donor's embedding, and averaged over the way between."""
    embed = experiment.graph.sources.index("embed")
    clean, donor = experiment.nodes[embed], experiment.donors[embed]
    way = [experiment.attribute(donor + k / steps * (clean - donor)) for k in range(steps + 1)]
    return [np.abs(way[-1]), np.abs(way[0]), np.abs(np.mean(way[1:], axis=0))]


def node_effects(experiment: Experiment) -> dict[str, float]:
    """How far the metric moves when each source is replaced wherever it is read."""
    problem, model = experiment.problem, experiment.model
    feeds = torch.as_tensor(experiment.graph.feeds, dtype=torch.float64)
    columns = torch.eye(feeds.shape[1], dtype=torch.float64)
    outputs = (model.patched(problem.clean, experiment.donors, feeds * one, clean=experiment.nodes) for one in columns)
    return {
        source: float(experiment.deviation(output))
        for source, output in zip(experiment.graph.sources, outputs, strict=True)
    }
