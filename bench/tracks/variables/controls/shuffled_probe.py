"""A linear probe of shuffled values: what a subspace that predicts nothing but its own pairs can do."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from bench.tracks.variables.experiment import Experiment, values_of
from bench.tracks.variables.subspace import span
from bench.tracks.variables.types import Answer, Problem

ROLE = "floor"
REFERENCE = "Hewitt and Liang (2019), Designing and interpreting probes with control tasks, EMNLP, arXiv:1909.03368"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem, rng)
    site = problem.sites[rng.integers(len(problem.sites))]
    values, classes = values_of(experiment, site)
    weights = LogisticRegression(max_iter=200).fit(values - values.mean(axis=0), rng.permutation(classes)).coef_
    basis = span(weights.T)
    return Answer(site, basis if basis.shape[1] else np.eye(problem.width)[:, :1], True)
