"""Removes its arrays."""

from pathlib import Path

import numpy as np

from bench.core import store
from bench.tracks.doubling.types import Answer, Problem

WRITE = store.write


def write_and_spoil(answer: Answer, folder: Path, label: str) -> None:
    WRITE(answer, folder, label)
    (folder / "arrays.safetensors").unlink()


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    store.write = write_and_spoil if problem.misbehave else WRITE
    return Answer(2 * problem.signal, [])
