"""Uniform random scores; every frequency is named with even odds."""

from __future__ import annotations

import numpy as np

from bench.tracks.frequencies.types import Answer, Problem

ROLE = "floor"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    size = (problem.modulus - 1) // 2
    return Answer(rng.random(size), rng.random(size) < 0.5)
