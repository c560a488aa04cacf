"""Attention weighted by the norm of what it moves.

The norm of attention times value times output matrix from the source to `at`, as a share of the sum of these norms
over all heads of the layer and all sources. Heads with at least a tenth are named.
Departs from the paper in leaving out the residual path and in comparing heads instead of tokens.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.roles.experiment import Experiment, answer
from bench.tracks.roles.types import Answer, Problem

REFERENCE = "Kobayashi et al. (2020), Attention is not only a weight: analyzing transformers with vector norms, EMNLP"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, least: float = 0.1) -> Answer:
    experiment = Experiment(problem)
    norms = experiment.trace.moved.norm(dim=-1)
    layers = norms.unflatten(0, (experiment.model.config.n_layers, -1))
    share = (layers / layers.sum((1, 3), keepdim=True)).flatten(0, 1)
    return answer(experiment.by_role(share[:, experiment.rows, problem.source]), least)
