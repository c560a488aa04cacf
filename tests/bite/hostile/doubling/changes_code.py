"""Writes into the suite's own code."""

from pathlib import Path

import numpy as np

import bench.core.store
from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        (Path(bench.core.store.__file__).parent / "planted.py").write_text("")
    return Answer(2 * problem.signal, [])
