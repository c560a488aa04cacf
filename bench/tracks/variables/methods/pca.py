"""Principal components: the directions along which a site varies most.

The first components of the site's values, centred, as many as the variable can need. What is loud is not what is read:
distractors of larger variance come first.
Departs from the paper, which picks components by a classifier's weights: here the variance alone decides.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.variables.experiment import Experiment, values_of
from bench.tracks.variables.types import Answer, Problem

REFERENCE = (
    "Huang et al. (2024), RAVEL: evaluating interpretability methods on disentangling language model"
    " representations, ACL, arXiv:2402.17700, section 4"
)


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem, rng)
    return experiment.choose(lambda site: principal(values_of(experiment, site)[0], problem.dimension))


def principal(values: np.ndarray, dimension: int) -> np.ndarray:
    """The right singular vectors of the centred values with the largest singular values."""
    return np.linalg.svd(values - values.mean(axis=0), full_matrices=False)[2][:dimension].T
