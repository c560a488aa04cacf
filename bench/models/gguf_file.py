"""GGUF files, the format of llama.cpp: facts, and tensors dequantised to float32.

After a header (magic, version, counts) come the facts (key, type, value), then each tensor's name, shape, type and
offset, then the tensors. Shapes are stored with the fastest axis first. Quantised tensors are blocks of 32 numbers:

    Q8_0    scale d (float16), 32 signed bytes q: x = d q
    Q4_1    scale d and least value m (float16), 32 half bytes q, the first 16 in the low halves: x = d q + m

Reference: the GGUF specification in the documentation of ggml. Types beyond those above and F32 are refused.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.contract import BadInput

MAGIC, VERSIONS, ALIGNMENT = b"GGUF", (2, 3), 32
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
BLOCK = 32
Q8_0 = np.dtype([("d", "<f2"), ("q", "i1", (BLOCK,))])
Q4_1 = np.dtype([("d", "<f2"), ("m", "<f2"), ("q", "u1", (BLOCK // 2,))])


def _of_q8_0(blocks: np.ndarray) -> np.ndarray:
    values: np.ndarray = blocks["q"].astype(np.float32) * blocks["d"].astype(np.float32)[:, None]
    return values


def _of_q4_1(blocks: np.ndarray) -> np.ndarray:
    halves = np.concatenate([blocks["q"] & 15, blocks["q"] >> 4], axis=1).astype(np.float32)
    scale, least = (blocks[name].astype(np.float32)[:, None] for name in ("d", "m"))
    values: np.ndarray = halves * scale + least
    return values


TYPES: Mapping[int, tuple[np.dtype, int, Callable[[np.ndarray], np.ndarray]]] = {
    0: (np.dtype("<f4"), 1, lambda values: values.astype(np.float32)),
    3: (Q4_1, BLOCK, _of_q4_1),
    8: (Q8_0, BLOCK, _of_q8_0),
}
"""Each tensor type's block, how many numbers are in it, and what they are."""


class _Cursor:
    """Where the file has been read up to."""

    def __init__(self, data: memoryview, at: int) -> None:
        self.data, self.at = data, at

    def take(self, form: str) -> Any:
        (value,) = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return value

    def text(self) -> str:
        length = self.take("Q")
        self.at += length
        return bytes(self.data[self.at - length : self.at]).decode("utf-8")

    def value(self, kind: int) -> Any:
        if kind == STRING:
            return self.text()
        if kind == ARRAY:
            of, count = self.take("I"), self.take("Q")
            return [self.value(of) for _ in range(count)]
        if kind not in SCALARS:
            raise BadInput(f"GGUF file: value type {kind} at byte {self.at} is unknown; fetch the file again")
        return self.take(SCALARS[kind])


@dataclass(frozen=True)
class Entry:
    """Shape (slowest axis first), type and place of one tensor."""

    shape: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True)
class GgufFile:
    """A file's facts, and its tensors by name."""

    facts: Mapping[str, Any]
    entries: Mapping[str, Entry]
    data: memoryview

    @classmethod
    def read(cls, path: Path) -> GgufFile:
        """Raises `BadInput` where the file is none of ours."""
        with path.open("rb") as file:
            magic, version = file.read(4), int.from_bytes(file.read(4), "little")
            if magic != MAGIC or version not in VERSIONS:
                raise BadInput(f"{path}: starts with {magic!r}, version {version}; give GGUF of version {VERSIONS}")
            cursor = _Cursor(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)), at=8)
        tensors, facts = cursor.take("Q"), cursor.take("Q")
        known = {cursor.text(): cursor.value(cursor.take("I")) for _ in range(facts)}
        entries = {cursor.text(): _entry(cursor) for _ in range(tensors)}
        alignment = known.get("general.alignment", ALIGNMENT)
        return cls(known, entries, cursor.data[math.ceil(cursor.at / alignment) * alignment :])

    def tensor(self, name: str) -> np.ndarray:
        """One tensor in float32."""
        if name not in self.entries:
            raise BadInput(f"GGUF file: tensor {name!r} is missing; give a whole model of a known architecture")
        entry = self.entries[name]
        if entry.kind not in TYPES:
            raise BadInput(f"GGUF file: tensor {name!r} is of type {entry.kind}; types {tuple(TYPES)} are read")
        block, width, dequantise = TYPES[entry.kind]
        blocks = np.frombuffer(self.data, block, math.prod(entry.shape) // width, entry.offset)
        return dequantise(blocks).reshape(entry.shape)


def _entry(cursor: _Cursor) -> Entry:
    axes = cursor.take("I")
    shape = tuple(cursor.take("Q") for _ in range(axes))[::-1]
    return Entry(shape, cursor.take("I"), cursor.take("Q"))
