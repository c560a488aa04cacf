"""The norm of a head's value times output matrix, which knows nothing of roles."""

from __future__ import annotations

import numpy as np

from bench.models.checkpoint import load_arrays
from bench.tracks.roles.types import Answer, Problem

ROLE = "floor"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    config, weights = load_arrays(problem.model.path)
    norms = np.concatenate([
        np.linalg.norm(weights[f"layers.{layer}.v"] @ weights[f"layers.{layer}.o"], axis=(1, 2))
        for layer in range(config.n_layers)
    ])  # fmt: skip
    scores = np.tile(norms, (len(problem.roles), 1))
    return Answer(scores, scores == norms.max())
