"""Puts a link to an endless device where its arrays should be."""

import os
from pathlib import Path

import numpy as np

from bench.core import store
from bench.tracks.doubling.types import Answer, Problem

WRITE = store.write


def write_endless(answer: Answer, folder: Path, label: str) -> None:
    WRITE(answer, folder, label)
    (folder / "arrays.safetensors").unlink()
    os.symlink("/dev/zero", folder / "arrays.safetensors")


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    store.write = write_endless if problem.misbehave else WRITE
    return Answer(2 * problem.signal, [])
