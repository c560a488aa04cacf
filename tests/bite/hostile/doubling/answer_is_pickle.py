"""Leaves a pickle that would run a command in whoever loads it, where its arrays should be."""

import os
import pickle
from pathlib import Path

import numpy as np

from bench.core import store
from bench.tracks.doubling.types import Answer, Problem

WRITE = store.write


class Command:
    def __reduce__(self) -> tuple:
        return os._exit, (7,)


def write_pickle(answer: Answer, folder: Path, label: str) -> None:
    WRITE(answer, folder, label)
    (folder / "arrays.safetensors").write_bytes(pickle.dumps(Command()))


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    store.write = write_pickle if problem.misbehave else WRITE
    return Answer(2 * problem.signal, [])
