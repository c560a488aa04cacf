"""Pruning that tests every edge against the whole model."""

from __future__ import annotations

import numpy as np

from bench.models.patching import edge_effects
from bench.tracks.circuits.experiment import SHARE, Experiment
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "acdc"
TOUCHES = ("planted/any_of_two", "planted/any_of_pairs", "planted/pairs_of_any", "planted/self_repair")
DEFECT = "edges are removed one at a time and put back, so that of two that each suffice both look useless"
REFERENCE = "one-at-a-time pruning of redundant modules, after which nothing is left"
METRIC = "circuit_f1"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    effects = edge_effects(
        experiment.model,
        experiment.graph,
        problem.clean,
        experiment.donors,
        lambda patched, clean: experiment.deviation(patched),
    ).numpy()
    return Answer(effects, effects >= SHARE * experiment.scale)
