"""Relevance patching that multiplies the coefficients with the clean output."""

from __future__ import annotations

import numpy as np

from bench.models.relevance import RelevanceTransformer
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "relevance_patching"
TOUCHES = ("planted/all_of_four", "planted/unused_copies")
DEFECT = "the coefficient meets the clean output instead of donor minus clean, so that what never changes counts"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    found = RelevanceTransformer.of(experiment.model).slot_gradients(problem.clean, experiment.metric)
    scores = np.abs(experiment.graph.reduce(found.products(experiment.nodes)).numpy())
    return Answer(scores, experiment.choose(scores))
