"""Differential binary mask over principal components.

The mask of `binary_mask`, over the principal components of a site's values instead of the model's axes: it picks those
that carry the variable, loud or not, but cannot turn them.
Departs from the paper in the loss: squared error.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.variables.experiment import Experiment, values_of
from bench.tracks.variables.training import train_mask
from bench.tracks.variables.types import Answer, Problem

REFERENCE = "Mueller et al. (2025), MIB: a mechanistic interpretability benchmark, ICML, arXiv:2504.13151, section 4.2"
NEEDS = ("gradients",)


def solve(
    problem: Problem, rng: np.random.Generator, *, steps: int = 120, rate: float = 0.1, sparsity: float = 0.02
) -> Answer:
    experiment = Experiment(problem, rng)
    return experiment.choose(lambda site: search(experiment, site, steps, rate, sparsity))


def search(experiment: Experiment, site: str, steps: int, rate: float, sparsity: float) -> np.ndarray:
    values = values_of(experiment, site)[0]
    components = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)[2].T
    return train_mask(experiment, site, components, steps, rate, sparsity)
