"""Head importance whose effects are averaged over examples before their size is taken."""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.circuits.experiment import Experiment, weaker_ends
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "hisp"
TOUCHES = ("tracr/next_larger", "tracr/follow_addresses")
DEFECT = "the size is taken after the mean over examples, so that effects of opposite sign cancel"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    found = experiment.model.slot_gradients(problem.clean, experiment.metric)
    feeds = torch.as_tensor(experiment.graph.feeds, dtype=found.gradients.dtype)
    sizes = (found.products(experiment.change) * feeds).sum(0).abs()
    effects = dict(zip(experiment.graph.sources, sizes.tolist(), strict=True))
    scores = weaker_ends(problem.edges, effects)
    nodes = np.array([effects.get(node, max(effects.values())) for node in problem.nodes])
    return Answer(scores, experiment.choose(scores), nodes)
