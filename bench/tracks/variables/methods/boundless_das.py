"""Boundless distributed alignment search: rotation and number of dimensions are trained together.

The site is turned by an orthogonal matrix; of the turned coordinates the first share b is exchanged, through the soft
boundary sigmoid((b width - i - 1/2) / T) with a temperature that falls, and b is penalised. Coordinates within the
boundary at the end are the subspace.
Departs from the paper in the loss (squared error), in the rotation (QR of a free matrix), in the range of the
temperature (width / 10 to 0.1, for streams of tens of axes) and in that the boundary starts at one half.
"""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.variables.experiment import Experiment
from bench.tracks.variables.training import descend, falling, orthonormal
from bench.tracks.variables.types import Answer, Problem

REFERENCE = (
    "Wu et al. (2023), Interpretability at scale: identifying causal mechanisms in Alpaca, NeurIPS,"
    " arXiv:2305.08809, section 3"
)
NEEDS = ("gradients",)


def solve(
    problem: Problem, rng: np.random.Generator, *, steps: int = 120, rate: float = 0.02, sparsity: float = 0.1
) -> Answer:
    experiment = Experiment(problem, rng)
    return experiment.choose(lambda site: search(experiment, site, steps, rate, sparsity))


def search(experiment: Experiment, site: str, steps: int, rate: float, sparsity: float) -> np.ndarray:
    """The trained basis at one site, of one dimension at least."""
    width = experiment.problem.width
    free = orthonormal(torch.randn(width, width, generator=experiment.generator(site))).requires_grad_()
    share = torch.tensor(0.5, requires_grad=True)

    def boundary(done: float) -> torch.Tensor:
        return torch.sigmoid((share * width - torch.arange(width) - 0.5) / falling(width / 10, 0.1, done))

    def projection(done: float) -> torch.Tensor:
        turn = orthonormal(free)
        return (turn * boundary(done)) @ turn.T

    descend(
        experiment, site, [free, share], projection, lambda done: sparsity * share.clamp(min=0), steps=steps, rate=rate
    )
    within = max(1, int((boundary(1.0) > 0.5).sum()))
    return orthonormal(free.detach().double()).numpy()[:, :within]
