"""What plug-ins and the suite agree on: errors, field types, units, seeds and the pass counter.

A problem, truth or answer is a frozen dataclass in a track's `types.py`. Its fields are annotated with

- `Float[np.ndarray, "time features"]` and the other jaxtyping array types: dtype and named axes, which must
  agree between the fields of one object;
- `str`, `int`, `float`, `bool`, `list[str]`, `list[int]`, `list[float]`;
- `Ragged` (values + offsets), `scipy.sparse.csr_array`, `pandas.DataFrame` (a table), `Blob` (a file shared
  between units by its content);
- `X | None` for any of them: an optional field.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

CONTRACT_VERSION = 1
DEV_SEED = 1_000_000  # seeds from here on serve `try` and `check` and never score on a board


class BadInput(Exception):
    """A fault of the user's input: one sentence with the thing, the value and the remedy. Exit status 2."""


class Unsupported(Exception):
    """Raised by a method that cannot treat a unit, with the reason; the unit scores as a failure and is shown."""


class InvalidAnswer(ValueError):
    """The answer does not fit its problem: wrong shape, dtype, size or field."""


def check_numbers(
    name: str, values: np.ndarray, within: tuple[float, float] = (-math.inf, math.inf), **axes: int
) -> None:
    """Raise `InvalidAnswer` unless an answer's array is as long as the problem's `axes`, finite and `within` bounds.

    The axes are named in their order by what they count: `check_numbers("scores", answer.scores, roles=3, heads=8)`.
    """
    if values.shape != tuple(axes.values()):
        wanted = " x ".join(f"{length} {what}" for what, length in axes.items())
        raise InvalidAnswer(f"{name} has shape {values.shape}, the problem has {wanted}")
    _refuse(name, ~np.isfinite(values), "NaN or infinite")
    low, high = within
    _refuse(name, (values < low) | (values > high), f"not between {low:g} and {high:g}")


def _refuse(name: str, bad: np.ndarray, what: str) -> None:
    if bad.any():
        raise InvalidAnswer(f"{name} has {np.count_nonzero(bad)} values that are {what}")


@dataclass(frozen=True)
class Blob:
    """A file that many units share, known by the SHA-256 of its content (model weights, activations).

    `path` is where the file lies now; inside a stored folder it is a hard link beside the arrays.
    """

    path: Path
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Blob:
        path = Path(path)
        with path.open("rb") as file:
            return cls(path, hashlib.file_digest(file, "sha256").hexdigest())


@dataclass(frozen=True)
class Ragged:
    """Rows of unequal length: row i is `values[offsets[i]:offsets[i + 1]]`."""

    values: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, rows: list[np.ndarray]) -> Ragged:
        lengths = [len(row) for row in rows]
        return cls(np.concatenate(rows), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        if not 0 <= index < len(self):
            raise IndexError(f"row {index} of a ragged array of {len(self)} rows")
        return self.values[self.offsets[index] : self.offsets[index + 1]]


@dataclass(frozen=True, order=True)
class Unit:
    """One task instance with one seed: the smallest thing that is run and scored. Knows nothing of suites."""

    track: str
    task: str
    version: int
    instance: str
    seed: int

    @property
    def key(self) -> str:
        return f"{self.track}/{self.task}-v{self.version}/{self.instance}/{self.seed}"

    @classmethod
    def from_key(cls, key: str) -> Unit:
        track, task_version, instance, seed = key.split("/")
        task, version = task_version.rsplit("-v", 1)
        return cls(track, task, int(version), instance, int(seed))


def generator(*identity: object) -> np.random.Generator:
    """A random generator that depends on the named identity alone (parts joined by `|`, SHA-256, PCG64)."""
    digest = hashlib.sha256("|".join(map(str, identity)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


PASSES: Counter[str] = Counter()
"""Work since the child last cleared it: `forward` and `backward`, in examples. Read after each unit."""


def count_passes(kind: str, examples: int) -> None:
    """Add `examples` passes of `kind` (`forward` or `backward`) to the running unit's counts."""
    PASSES[kind] += int(examples)


@dataclass
class Budget:
    """Example passes that a method may spend on a unit, and those that are left."""

    granted: int
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.granted

    def spend(self, passes: int, kind: str | None = None) -> None:
        """Take passes off; as `kind` they are counted too, where no model does that (`count_passes`).

        Raises `Unsupported` where the budget does not hold them.
        """
        if passes > self.left:
            raise Unsupported(f"needs {passes} more passes, the budget of {self.granted} has {self.left} left")
        self.left -= passes
        if kind is not None:
            count_passes(kind, passes)
