"""Random scores, and every edge chosen with chance one half."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuits.types import Answer, Problem

ROLE = "floor"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    edges = len(problem.edges)
    return Answer(rng.random(edges), rng.random(edges) < 0.5)
