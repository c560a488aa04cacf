"""Head importance that a generator made up."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuits.experiment import Experiment, weaker_ends
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "hisp"
REPEATABLE = False
TOUCHES = ("tracr/next_larger", "tracr/follow_addresses", "tracr/palindrome")
DEFECT = "importances come from a generator without a seed and know nothing of the model"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    unseeded = np.random.default_rng()
    effects = {source: experiment.scale * float(unseeded.random()) for source in experiment.graph.sources}
    scores = weaker_ends(problem.edges, effects)
    nodes = np.array([effects.get(node, max(effects.values())) for node in problem.nodes])
    return Answer(scores, experiment.choose(scores), nodes)
