"""Inference on series: is this feature related to this response, and with which p-value?

A problem is many independent data sets, each one feature and one response in time; the answer is a p-value for each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from bench.core.contract import InvalidAnswer

TITLE = "p-values for one feature and one response in time"
FAMILY = "brain"
REPLICATE = "generator draw (a batch of independent data sets)"

TOY = ("series/short", "series/short_null")
SCAFFOLD = {"p": "rng.random(len(problem.feature))"}


@dataclass(frozen=True)
class Problem:
    """What the method sees: in row d a feature and a response of one data set, `sampling_rate` in Hz.

    Data sets are independent of each other. The response has the unit `units` and a baseline that is not 0. The
    question is two-sided: a relation may be of either sign, and has no lag (features are aligned with the response).
    """

    feature: Float[np.ndarray, "datasets time"]
    response: Float[np.ndarray, "datasets time"]
    sampling_rate: float
    units: str


@dataclass(frozen=True)
class Truth:
    """In which data sets the feature has a part in the response; in a `null` unit in none.

    `ideal` is the p-value of the observer that knows the noise's covariance, so that no valid unbiased test finds more;
    None where nobody knows it (recorded noise).
    """

    null: bool
    related: Bool[np.ndarray, "datasets"]
    ideal: Float[np.ndarray, "datasets"] | None


@dataclass(frozen=True)
class Answer:
    """One p-value a data set."""

    p: Float[np.ndarray, "datasets"]


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless there is one p-value from 0 to 1 for each data set."""
    if answer.p.shape != problem.feature.shape[:1]:
        raise InvalidAnswer(f"p has {len(answer.p)} values, problem has {len(problem.feature)} data sets")
    bad = ~((answer.p >= 0) & (answer.p <= 1))
    if bad.any():
        raise InvalidAnswer(f"p has {int(bad.sum())} values outside 0 to 1, the first is {answer.p[bad][0]}")
