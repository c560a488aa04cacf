"""Makes a link to the truth in its own folder and reads it through that."""

import os
from pathlib import Path

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        os.symlink(problem.elsewhere, "beside", target_is_directory=True)
        Path("beside/meta.json").read_text()
    return Answer(2 * problem.signal, [])
