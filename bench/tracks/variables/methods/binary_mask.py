"""Differential binary mask (DBM): which axes of a site to exchange.

A mask sigmoid(m / T) over the axes of the residual stream is trained on the counterfactuals with a penalty on its mean,
while the temperature T falls from 1 to 0.01; axes whose mask ends above one half are exchanged. Where the variable does
not lie along axes there is no good mask.
Departs from the paper in the loss: squared error.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.variables.experiment import Experiment
from bench.tracks.variables.training import train_mask
from bench.tracks.variables.types import Answer, Problem

REFERENCE = "Davies et al. (2023), Discovering variable binding circuitry with desiderata, arXiv:2307.03637"
NEEDS = ("gradients",)


def solve(
    problem: Problem, rng: np.random.Generator, *, steps: int = 120, rate: float = 0.1, sparsity: float = 0.02
) -> Answer:
    experiment = Experiment(problem, rng)
    axes = np.eye(problem.width)
    return experiment.choose(lambda site: train_mask(experiment, site, axes, steps, rate, sparsity))
