"""Attribution patching: the interchange at `at` to first order.

The derivative of the margin with respect to a head's output there times its change between the string and the altered
one, as a share of the margin. Heads with at least a tenth are named. Where attention is saturated the derivative says
little.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.roles.experiment import Experiment, answer
from bench.tracks.roles.types import Answer, Problem

REFERENCE = "Nanda (2023), Attribution patching: activation patching at industrial scale"
NEEDS = ("gradients",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, least: float = 0.1) -> Answer:
    experiment = Experiment(problem)
    products = (experiment.gradients() * experiment.change).sum((-1, -2))
    return answer(experiment.shares(products), least)
