"""Claims an array of 2^40 samples in a file of a hundred bytes."""

import json
import struct
from pathlib import Path

import numpy as np

from bench.core import store
from bench.tracks.doubling.types import Answer, Problem

WRITE = store.write


def write_claim(answer: Answer, folder: Path, label: str) -> None:
    WRITE(answer, folder, label)
    header = json.dumps({"doubled": {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 8]}}).encode()
    (folder / "arrays.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    store.write = write_claim if problem.misbehave else WRITE
    return Answer(2 * problem.signal, [])
