"""Edge attribution patching with integrated gradients over the inputs.

As edge attribution patching, with the gradient averaged over `steps` points on the line from the donor's token
embedding to the clean one (the last point is the clean input), so that a gradient that vanishes at the clean run, or a
threshold that is crossed on the way, is seen. Edges are ranked by magnitude.
Departs from the paper in the chosen circuit: edges above a share of the metric's scale, pruned to paths, not a greedy
search for a given number of edges.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.circuits.experiment import SHARE, Experiment
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = "Hanna, Pezzelle and Belinkov (2024), Have faith in faithfulness, COLM, arXiv:2403.17806, eq. 4"
NEEDS = ("gradients",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, steps: int = 5, share: float = SHARE) -> Answer:
    experiment = Experiment(problem)
    experiment.afford(2 * steps + 5, "integrated gradients")
    embed = experiment.graph.sources.index("embed")
    clean, donor = experiment.nodes[embed], experiment.donors[embed]
    points = (donor + k / steps * (clean - donor) for k in range(1, steps + 1))
    scores = np.abs(np.mean([experiment.attribute(at) for at in points], axis=0))
    return Answer(scores, experiment.choose(scores, share))
