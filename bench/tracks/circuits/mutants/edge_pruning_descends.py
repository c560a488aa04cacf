"""Edge pruning whose multipliers are minimised with the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.masks import STEPS, Course, adam
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "edge_pruning"
TOUCHES = ("planted/all_of_four", "planted/negative_head", "planted/any_of_two")
DEFECT = "the multipliers descend like the masks, so that missing the target is rewarded"
NEEDS = ("gradients",)

PARENT = Path(__file__).parents[1] / "methods" / "edge_pruning.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    parent, experiment = load_plugin(PARENT), Experiment(problem)
    costs = parent.Lagrangian.towards(1.0), parent.Lagrangian.towards(0.5)
    together = adam([(cost.multipliers, parent.PRESSURE) for cost in costs])
    return parent.prune(experiment, Course.within_budget(experiment, STEPS, rng), *costs, together, parent.RATE)
