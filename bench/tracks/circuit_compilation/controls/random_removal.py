"""Deletes a uniformly drawn number of uniformly drawn parts."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_compilation.types import Answer, Problem

ROLE = "floor"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    keep = np.ones(len(problem.parts), bool)
    keep[rng.permutation(keep.size)[: rng.integers(keep.size + 1)]] = False
    return Answer(keep)
