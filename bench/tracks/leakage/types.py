"""Leakage: does a cross-validation protocol report what features can predict, and nothing for those that cannot?

A problem is responses in runs and several sets of features; the answer is the score that a whole protocol reports for
each set: the correlation of predicted with observed responses on data that the model was not trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from bench.core.contract import InvalidAnswer

TITLE = "Leakage in cross-validation protocols"
FAMILY = "brain"
REPLICATE = "generator draw (features, signal and noise)"

TOY = ("runs/white", "runs/slow_null")
SCAFFOLD = {"scores": "np.zeros(problem.sets.max() + 1)"}


@dataclass(frozen=True)
class Problem:
    """What the method sees: rows are samples in time, run after run; `runs[i]` is the run of row i.

    `sets[j]` is the set of feature column j, from 0. A score is the mean over targets of Pearson's r inside held-out
    data, averaged over folds. Slow drifts of the scanner may come in the same way in every run; what they do is no
    response, and no set is meant to predict them.
    """

    responses: Float[np.ndarray, "time targets"]
    features: Float[np.ndarray, "time features"]
    sets: Int[np.ndarray, "features"]
    runs: Int[np.ndarray, "time"]
    sampling_rate: float


@dataclass(frozen=True)
class Truth:
    """What can be reached with each set: 0 but for the set that the responses were made from (in live units), for which
    it is the mean over targets of the root of the responses' reliability."""

    null: bool
    attainable: Float[np.ndarray, "sets"]


@dataclass(frozen=True)
class Answer:
    """The score that the protocol reports for each set."""

    scores: Float[np.ndarray, "sets"]


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless each set has a correlation."""
    expected = int(problem.sets.max()) + 1
    if answer.scores.shape != (expected,):
        raise InvalidAnswer(f"scores has {len(answer.scores)} values, problem has {expected} sets")
    bad = ~(np.abs(answer.scores) <= 1 + 1e-9)
    if bad.any():
        raise InvalidAnswer(
            f"scores has {int(bad.sum())} values that are no correlation, the first {answer.scores[bad][0]}"
        )
