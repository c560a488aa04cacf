"""Reads the truth by its path."""

from pathlib import Path

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        (Path(problem.elsewhere) / "meta.json").read_text()
    return Answer(2 * problem.signal, [])
