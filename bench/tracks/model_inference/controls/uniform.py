"""Uniform p-values, drawn without a look at the data."""

from __future__ import annotations

import numpy as np

from bench.tracks.model_inference.types import Answer, Problem

ROLE = "floor"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return Answer(rng.random(len(problem.brain)))
