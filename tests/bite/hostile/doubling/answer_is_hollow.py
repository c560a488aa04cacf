"""Makes its answer a sparse file of 100 GB."""

from pathlib import Path

import numpy as np

from bench.core import store
from bench.tracks.doubling.types import Answer, Problem

WRITE = store.write


def write_and_spoil(answer: Answer, folder: Path, label: str) -> None:
    WRITE(answer, folder, label)
    with open(folder / "arrays.safetensors", "r+b") as file:
        file.truncate(100 * 2**30)


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    store.write = write_and_spoil if problem.misbehave else WRITE
    return Answer(2 * problem.signal, [])
