"""Writes beside the truth."""

from pathlib import Path

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        (Path(problem.elsewhere) / "planted").write_text("")
    return Answer(2 * problem.signal, [])
