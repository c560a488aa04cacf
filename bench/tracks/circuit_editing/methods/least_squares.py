"""Least squares from a MLP's active units to what it would have to write, where that carries over.

What a MLP would have to write in each cell is found by gradient, and stays nothing where the output is right already.
The change of its matrix is the ridge solution from what its units do to that, over all cells of the examples, so that
what is to stay is part of the system. Each MLP is fitted to half of the examples; the one that errs least on the other
half is fitted to all. Departs from the paper in editing one MLP and in taking the examples for what is to stay.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bench.tracks.circuit_editing.experiment import Experiment
from bench.tracks.circuit_editing.types import Answer, Problem

REFERENCE = "Meng et al. (2023), Mass-editing memory in a transformer, ICLR, arXiv:2210.07229, equation 14"
NEEDS = ("gradients",)
RIDGE = 1e-4  # share of the mean squared activity of the units


def solve(problem: Problem, rng: np.random.Generator, *, steps: int = 80, rate: float = 0.05) -> Answer:
    experiment = Experiment(problem)

    def change_of(mlp: int, examples: Tensor) -> Tensor:
        """The change of one MLP's matrix that makes it write what it would have to, as nearly as one matrix can."""
        wanted, active = experiment.writing(mlp, examples, steps, rate)
        changes = experiment.nothing()
        changes[mlp] = ridge(active.flatten(0, 1), wanted.flatten(0, 1))
        return changes

    return Answer(experiment.change_of_best_mlp(change_of, rng).numpy())


def ridge(active: Tensor, wanted: Tensor) -> Tensor:
    """argmin ||active D - wanted||^2 + penalty ||D||^2."""
    penalty = RIDGE * active.square().mean() * len(active)
    gram = active.T @ active + penalty * torch.eye(active.shape[1], dtype=active.dtype)
    return torch.linalg.solve(gram, active.T @ wanted)
