"""A toy track for methods that misbehave: the answer is twice the signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bench.core.contract import InvalidAnswer

TITLE = "Doubling"
FAMILY = "toys"
REPLICATE = "signal"


@dataclass(frozen=True)
class Problem:
    """A signal, whether the method is to misbehave on it, and what it might reach: a truth's folder and a port."""

    signal: Float[np.ndarray, "time"]
    misbehave: bool
    elsewhere: str
    port: int


@dataclass(frozen=True)
class Truth:
    """The doubled signal."""

    null: bool
    doubled: Float[np.ndarray, "time"]


@dataclass(frozen=True)
class Answer:
    """The doubled signal, and remarks."""

    doubled: Float[np.ndarray, "time"]
    remarks: list[str]


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless there is one finite value for each sample."""
    if answer.doubled.shape != problem.signal.shape:
        raise InvalidAnswer(f"doubled has {len(answer.doubled)} samples, the signal has {len(problem.signal)}")
    if not np.isfinite(answer.doubled).all():
        raise InvalidAnswer("doubled has values that are NaN or infinite")
