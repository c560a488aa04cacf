"""Edge attribution patching with integrated gradients over each node's activations.

Source after source, the node's output is led from the donor's to the clean one in `steps` points, all else following
as it will; the gradient at what each destination reads is averaged over the points and multiplied by the donor's minus
the clean output of the source. A threshold that only this node's change crosses is seen, which a path of the inputs
may miss. Edges are ranked by magnitude.
Departs from the paper in the chosen circuit: edges above a share of the metric's scale, pruned to paths, not a greedy
search for a given number of edges.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bench.tracks.circuits.experiment import SHARE, Experiment
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = (
    "Marks et al. (2025), Sparse feature circuits, ICLR, eq. 4 (a path for each activation); Hanna, Pezzelle and"
    " Belinkov (2024), COLM, arXiv:2403.17806"
)
NEEDS = ("gradients",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, steps: int = 5, share: float = SHARE) -> Answer:
    experiment = Experiment(problem)
    sources = len(experiment.graph.sources)
    experiment.afford(2 * steps * sources + 5, "a path for every node")
    products = torch.zeros(experiment.graph.feeds.shape, dtype=torch.float64)
    for source in range(sources):
        if experiment.change[source].any():
            products[:, source] = along_path(experiment, source, steps)
    scores = np.abs(experiment.graph.reduce(products).numpy())
    return Answer(scores, experiment.choose(scores, share))


def along_path(experiment: Experiment, source: int, steps: int) -> Tensor:
    """First-order effect of the source's change at every slot, the gradient averaged over the path; [slots].

    The points are one run: the examples are repeated, each time with another share of the change.
    """
    problem, change = experiment.problem, experiment.change[source].expand(experiment.nodes.shape[1:])
    shares = 1 - torch.arange(1, steps + 1, dtype=change.dtype) / steps
    added = torch.cat([share * change for share in shares])
    tokens = np.tile(problem.clean, (steps, 1))

    def mean_metric(output: Tensor) -> Tensor:
        return torch.stack([experiment.metric(part) for part in output.chunk(steps)]).mean()

    found = experiment.model.slot_gradients(tokens, mean_metric, added={source: added})
    return torch.einsum("sbpd,bpd->s", found.gradients, change.repeat(steps, 1, 1))
