"""Estimate the location of a sample: a track small enough for the workflow's own tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bench.core.contract import InvalidAnswer

TITLE = "Toy location"
FAMILY = "toy"
REPLICATE = "sample"
TOY = ("normal/wide", "normal/nothing")
SCAFFOLD = {"location": "float(rng.normal())"}


@dataclass(frozen=True)
class Problem:
    sample: Float[np.ndarray, "draws"]


@dataclass(frozen=True)
class Truth:
    null: bool
    location: float


@dataclass(frozen=True)
class Answer:
    location: float


def check(problem: Problem, answer: Answer) -> None:
    if not np.isfinite(answer.location):
        raise InvalidAnswer("location has 1 values that are NaN or infinite")
