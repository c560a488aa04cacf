"""Optimal ablation whose masks pass on every gradient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float
from torch import Tensor

from bench.core.catalogue import load_plugin
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.masks import STEPS, Course, sample_window
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "optimal_ablation"
TOUCHES = ("planted/all_of_four", "planted/any_of_two", "planted/unused_copies")
DEFECT = "the derivative by a mask that is exactly 0 or 1 is taken for that by its chance as well"
METRIC = "circuit_f1"
NEEDS = ("gradients",)

PARENT = Path(__file__).parents[1] / "methods" / "optimal_ablation.py"


def straight_through(logits: Float[Tensor, "*any"], uniform: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """The same masks with a derivative of 1 everywhere."""
    return sample_window(logits, uniform).detach() + logits - logits.detach()


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    parent, experiment = load_plugin(PARENT), Experiment(problem)
    course = Course.within_budget(experiment, STEPS, rng)
    constants = parent.Constants.of(experiment.nodes, by_position=True)
    rates = (parent.RATE, parent.CONSTANT_RATE)
    return parent.learn(experiment, course, constants, straight_through, parent.PRICE, rates)
