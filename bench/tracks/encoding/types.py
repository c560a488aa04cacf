"""Encoding models: predict neural responses to new stimuli from stimulus features.

A problem is training features with responses and test features; the answer is the predicted test responses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.contract import check_numbers

TITLE = "Encoding models of neural responses"
FAMILY = "brain"
REPLICATE = "generator draw or subject"

TOY = ("planted/linear_slow", "planted/lagged_volts", "planted/counts", "planted/null_slow")
SCAFFOLD = {"predictions": "np.tile(problem.train_responses.mean(axis=0), (len(problem.test_features), 1))"}

RESPONSES = ("continuous", "counts")


@dataclass(frozen=True)
class Problem:
    """What the method sees.

    Rows are samples in time, `sampling_rate` in Hz. Groups are runs, stories or trials: rows of one group are
    contiguous in time and cross-validation must keep a group together. `bands[j]` is the feature space of feature
    column j. `units` is the unit of the responses (`V`, `T`, `z`, `spikes/bin`, ...); `response_kind` is
    `continuous` or `counts`. `max_lag` is the number of samples by which a response may follow its stimulus
    (0: features are already aligned).
    """

    train_features: Float[np.ndarray, "train features"]
    train_responses: Float[np.ndarray, "train targets"]
    train_groups: Int[np.ndarray, "train"]
    test_features: Float[np.ndarray, "test features"]
    test_groups: Int[np.ndarray, "test"]
    bands: Int[np.ndarray, "features"]
    sampling_rate: float
    max_lag: int
    units: str
    response_kind: str


@dataclass(frozen=True)
class Truth:
    """The held-out responses and what is known of them.

    `reliability[t]` is rho_R of the test responses of target t (`GROUND_TRUTH` 3): known for planted responses,
    estimated from repeats, or None. `noiseless` is the planted signal. `selected` marks the targets that are
    scored, chosen on training repeats alone. In a `null` unit the features carry nothing about the responses.
    """

    null: bool
    test_responses: Float[np.ndarray, "test targets"]
    selected: Bool[np.ndarray, "targets"]
    reliability: Float[np.ndarray, "targets"] | None
    noiseless: Float[np.ndarray, "test targets"] | None


@dataclass(frozen=True)
class Answer:
    """Predicted responses in the units of the training responses."""

    predictions: Float[np.ndarray, "test targets"]


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless there is one finite prediction for every test sample and target."""
    samples, targets = len(problem.test_features), problem.train_responses.shape[1]
    check_numbers("predictions", answer.predictions, samples=samples, targets=targets)
