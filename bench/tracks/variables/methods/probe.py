"""Linear probe: the directions by which a classifier tells the variable's values apart.

Multinomial logistic regression with a quadratic penalty from a site's values to the variable's; the subspace is spanned
by the weight vectors. A probe uses what predicts, whether or not the model reads it.
Departs from the paper in that one probe is fitted, not one after another with what was found removed.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from bench.tracks.variables.experiment import Experiment, values_of
from bench.tracks.variables.subspace import span
from bench.tracks.variables.types import Answer, Problem

REFERENCE = (
    "Huang et al. (2024), RAVEL, ACL, arXiv:2402.17700, section 4; Alain and Bengio (2017), Understanding"
    " intermediate layers using linear classifier probes, arXiv:1610.01644"
)


def solve(problem: Problem, rng: np.random.Generator, *, strength: float = 1.0) -> Answer:
    experiment = Experiment(problem, rng)
    return experiment.choose(lambda site: weight_span(*values_of(experiment, site), strength))


def weight_span(values: np.ndarray, classes: np.ndarray, strength: float) -> np.ndarray:
    """A basis of the weights' span; values are centred and divided by one scale for all axes."""
    centred = values - values.mean(axis=0)
    scale = np.sqrt(np.square(centred).sum(axis=1).mean())
    if len(np.unique(classes)) < 2 or scale == 0:
        return np.eye(values.shape[1])[:, :1]
    weights = LogisticRegression(C=1 / strength, max_iter=1000).fit(centred / scale, classes).coef_
    return span((weights - weights.mean(axis=0)).T if len(weights) > 1 else weights.T)
