"""Adds to one MLP's matrix noise of half its norm."""

from __future__ import annotations

import numpy as np

from bench.models.checkpoint import load_arrays
from bench.tracks.circuit_editing.edit import written_by
from bench.tracks.circuit_editing.types import Answer, Problem

ROLE = "floor"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    weights = load_arrays(problem.model.path)[1]
    changes = np.zeros((len(problem.mlps), problem.units, problem.width))
    mlp = rng.integers(len(problem.mlps))
    noise = rng.normal(size=changes.shape[1:])
    changes[mlp] = 0.5 * np.linalg.norm(weights[written_by(problem.mlps[mlp])]) * noise / np.linalg.norm(noise)
    return Answer(changes)
