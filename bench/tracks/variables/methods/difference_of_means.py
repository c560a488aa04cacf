"""Difference of means: what the class means of a site span.

The mean of the site's values for each value of the variable; the subspace is spanned by their differences. For two
values it is the direction from one mean to the other. It follows how the variable is written, along with all that is
correlated with it, and not how it is read.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.variables.experiment import Experiment, values_of
from bench.tracks.variables.subspace import span
from bench.tracks.variables.types import Answer, Problem

REFERENCE = "Marks and Tegmark (2024), The geometry of truth, COLM, arXiv:2310.06824, section 5"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem, rng)
    return experiment.choose(lambda site: between_means(*values_of(experiment, site)))


def between_means(values: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """A basis of the span of class means less the mean of all classes; the first axis where they are all equal."""
    means = np.array([values[classes == one].mean(axis=0) for one in np.unique(classes)])
    found = span((means - means.mean(axis=0)).T)
    return found if found.shape[1] else np.eye(values.shape[1])[:, :1]
