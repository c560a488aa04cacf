"""Every edge patched alone: how the truth itself is made, on other inputs.

Each edge's source is replaced by the donor's value along that edge and nowhere else, and the edge scores by how far the
metric moves, example by example. It is a reference, not a contender: on a model this small it costs little, on a real
one a run per edge.
"""

from __future__ import annotations

import numpy as np

from bench.models.patching import edge_effects
from bench.tracks.circuits.experiment import SHARE, Experiment
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = "Goldowsky-Dill et al. (2023), Localizing model behavior with path patching, arXiv:2304.05969"
DETERMINISTIC = True
UNRANKED = "the truth is made in the same way, from other inputs"


def solve(problem: Problem, rng: np.random.Generator, *, share: float = SHARE) -> Answer:
    experiment = Experiment(problem)
    experiment.afford(len(problem.edges) + 4, "patching every edge")
    effects = edge_effects(
        experiment.model,
        experiment.graph,
        problem.clean,
        experiment.donors,
        lambda patched, clean: experiment.deviation(patched),
    )
    scores = effects.numpy()
    return Answer(scores, experiment.choose(scores, share))
