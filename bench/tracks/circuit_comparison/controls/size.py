"""Sizes alone: layers, heads, units and width, which disguises draw without regard to the program."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_comparison.networks import load
from bench.tracks.circuit_comparison.types import Answer, Problem

ROLE = "floor"
DETERMINISTIC = True
SIZES = ("n_layers", "n_heads", "d_mlp", "d_model", "d_head")


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    sizes = np.array([[getattr(config, name) for name in SIZES] for config, _ in load(problem.networks.path)], float)
    apart = np.abs(np.log(sizes[1:] / sizes[0])).sum(axis=1)
    return Answer(-apart, np.zeros(len(apart), bool))
