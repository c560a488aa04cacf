"""Variance partitioning: which share of a response does each of several feature spaces explain?

A problem is features of several spaces and responses; the answer is what every space explains, in one of four senses
(unique, common, product measure, LMG) that the answer names, and predictions of all spaces together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from bench.core.contract import InvalidAnswer
from bench.kernels.shares import ESTIMANDS

TITLE = "Variance partitioning among feature spaces"
FAMILY = "brain"
REPLICATE = "generator draw (features, weights and noise)"

TOY = ("mixtures/correlated", "mixtures/null_correlated")
SCAFFOLD = {
    "shares": "np.zeros((problem.spaces.max() + 1, problem.responses.shape[1]))",
    "estimand": "'product'",
    "predictions": "np.tile(problem.responses.mean(axis=0), (len(problem.test_features), 1))",
}


@dataclass(frozen=True)
class Problem:
    """What the method sees.

    Rows are samples; groups are runs, and cross-validation must keep a group together. `spaces[f]` is the space of
    feature f, numbered from 0. Features of different spaces are in different units. A share is a fraction of the
    variance of the responses, noise included: what a linear model of the whole population would explain.
    """

    features: Float[np.ndarray, "rows features"]
    responses: Float[np.ndarray, "rows targets"]
    groups: Int[np.ndarray, "rows"]
    spaces: Int[np.ndarray, "features"]
    test_features: Float[np.ndarray, "test features"]


@dataclass(frozen=True)
class Truth:
    """Shares of the population in every sense (in the order of `ESTIMANDS`), and the test responses without noise.

    `explained` is what all spaces explain together. In a `null` unit no space explains anything.
    """

    null: bool
    shares: Float[np.ndarray, "estimands spaces targets"]
    explained: Float[np.ndarray, "targets"]
    test_signal: Float[np.ndarray, "test targets"]


@dataclass(frozen=True)
class Answer:
    """What each space explains, in the sense of `estimand`, and predictions of the test responses from all spaces."""

    shares: Float[np.ndarray, "spaces targets"]
    estimand: str
    predictions: Float[np.ndarray, "test targets"]


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless shares and predictions are finite, of the right shape, and the estimand is known."""
    targets = problem.responses.shape[1]
    if answer.estimand not in ESTIMANDS:
        raise InvalidAnswer(f"estimand {answer.estimand!r} is not known; name one of {', '.join(ESTIMANDS)}")
    for name, array, rows in (
        ("shares", answer.shares, int(problem.spaces.max()) + 1),
        ("predictions", answer.predictions, len(problem.test_features)),
    ):
        if array.shape != (rows, targets):
            raise InvalidAnswer(f"{name} have shape {array.shape}, expected {(rows, targets)}")
        if not np.isfinite(array).all():
            raise InvalidAnswer(f"{name} have {int((~np.isfinite(array)).sum())} values that are not finite")
