"""DAS that exchanges W W^T of the change with W free, orthonormal only in the answer."""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.variables.experiment import Experiment
from bench.tracks.variables.training import descend, orthonormal
from bench.tracks.variables.types import Answer, Problem

MUTANT_OF = "distributed_alignment_search"
TOUCHES = ("planted/tilted", "planted/correlated_tilted")
DEFECT = "the trained matrix is no projection: it makes up for a wrong direction by exchanging more than there is"
NEEDS = ("gradients",)


def solve(problem: Problem, rng: np.random.Generator, *, steps: int = 120, rate: float = 0.05) -> Answer:
    experiment = Experiment(problem, rng)
    return experiment.choose(lambda site: search(experiment, site, steps, rate))


def search(experiment: Experiment, site: str, steps: int, rate: float) -> np.ndarray:
    problem = experiment.problem
    start = torch.randn(problem.width, problem.dimension, generator=experiment.generator(site))
    free = orthonormal(start).requires_grad_()
    descend(experiment, site, [free], lambda done: free @ free.T, lambda done: 0.0, steps=steps, rate=rate)
    return orthonormal(free.detach().double()).numpy()
