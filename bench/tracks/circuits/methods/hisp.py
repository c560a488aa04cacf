"""Head importance scores for pruning.

Every node's importance is the size of the first-order change of the metric when its output is replaced by the donor's,
taken example by example: the mean over examples of |sum of (donor - clean) * gradient|. An edge scores as the weaker of
its two ends.
Departs from the paper in what replaces a head (the donor's output as in Conmy et al. 2023, NeurIPS, not zero), in
scoring MLPs and inputs too, and in not dividing by the norm over a layer.
"""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.circuits.experiment import SHARE, Experiment, weaker_ends
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = "Michel, Levy and Neubig (2019), Are sixteen heads really better than one?, NeurIPS, eq. 2"
NEEDS = ("gradients",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, share: float = SHARE) -> Answer:
    experiment = Experiment(problem)
    experiment.afford(7, "head importance")
    effects = importances(experiment)
    scores = weaker_ends(problem.edges, effects)
    nodes = np.array([effects.get(node, max(effects.values())) for node in problem.nodes])
    return Answer(scores, experiment.choose(scores, share), nodes)


def importances(experiment: Experiment) -> dict[str, float]:
    """Mean over examples of the size of each source's first-order effect on that example's part of the metric."""
    found = experiment.model.slot_gradients(experiment.problem.clean, experiment.metric)
    change = experiment.change.expand(-1, *found.gradients.shape[1:])
    feeds = torch.as_tensor(experiment.graph.feeds, dtype=found.gradients.dtype)
    by_example = torch.einsum("sbpd,nbpd,sn->nb", found.gradients, change, feeds)
    return dict(zip(experiment.graph.sources, by_example.abs().sum(1).tolist(), strict=True))
