"""Distributed alignment search (DAS): a subspace trained to give the counterfactual when exchanged.

minimise over orthonormal B   mean |model(base; h <- h + (h_source - h) B B^T) - label|^2

with as many columns as the variable's values can need, at every site; B is the QR factor of a free matrix, Adam its
descent.
Departs from the paper in the loss (squared error, since labels are outputs that the model reaches) and in the
parameters of the rotation (QR of the columns that are used, not a full orthogonal matrix).
"""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.variables.experiment import Experiment
from bench.tracks.variables.training import descend, orthonormal
from bench.tracks.variables.types import Answer, Problem

REFERENCE = (
    "Geiger et al. (2024), Finding alignments between interpretable causal variables and distributed neural"
    " representations, CLeaR, arXiv:2303.02536"
)
NEEDS = ("gradients",)


def solve(problem: Problem, rng: np.random.Generator, *, steps: int = 120, rate: float = 0.05) -> Answer:
    experiment = Experiment(problem, rng)
    return experiment.choose(lambda site: search(experiment, site, steps, rate))


def search(experiment: Experiment, site: str, steps: int, rate: float) -> np.ndarray:
    """The trained basis at one site."""
    problem = experiment.problem
    start = torch.randn(problem.width, problem.dimension, generator=experiment.generator(site))
    free = orthonormal(start).requires_grad_()

    def projection(done: float) -> torch.Tensor:
        basis = orthonormal(free)
        return basis @ basis.T

    descend(experiment, site, [free], projection, lambda done: 0.0, steps=steps, rate=rate)
    return orthonormal(free.detach().double()).numpy()
