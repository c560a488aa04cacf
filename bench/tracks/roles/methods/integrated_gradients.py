"""Integrated gradients of one head at a time.

At `at` alone the head's output is moved along the line from the altered string's to the string's, and derivative times
change is averaged over midpoints of equal steps. Heads with at least a tenth of the margin are named.
Departs from the paper in the point that moves, a head's output instead of the input.
"""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.roles.experiment import Experiment, answer
from bench.tracks.roles.types import Answer, Problem

REFERENCE = "Sundararajan et al. (2017), Axiomatic attribution for deep networks, ICML, arXiv:1703.01365"
NEEDS = ("gradients",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, steps: int = 5, least: float = 0.1) -> Answer:
    experiment = Experiment(problem)
    change = experiment.change
    products = [
        sum(
            (experiment.gradients({node: -(step + 0.5) / steps * change[head]})[head] * change[head]).sum((-1, -2))
            for step in range(steps)
        )
        for head, node in enumerate(experiment.nodes)
    ]
    return answer(experiment.shares(torch.stack([torch.as_tensor(product) for product in products]) / steps), least)
