"""Edge attribution patching.

Every edge's effect is estimated to first order from one clean run, one donor run and one backward pass: the gradient of
the metric at what the destination reads, times the donor's minus the clean output of the source, summed over examples
and positions. Edges are ranked by magnitude.
Departs from the paper in the chosen circuit: edges above a share of the metric's scale, pruned to paths, not the top n.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.circuits.experiment import SHARE, Experiment
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = (
    "Syed, Rager and Conmy (2023), Attribution patching outperforms automated circuit discovery, arXiv:2310.10348"
)
NEEDS = ("gradients",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, share: float = SHARE) -> Answer:
    experiment = Experiment(problem)
    experiment.afford(7, "edge attribution patching")
    scores = np.abs(experiment.attribute())
    return Answer(scores, experiment.choose(scores, share))
