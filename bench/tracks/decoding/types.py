"""Decoding: which class of trial was it, since when can it be told, where does it come from, what does the decoder use?

A problem is labelled training trials of sensors in time and unlabelled test trials; the answer is decision values for
the test trials, a p-value, and, where a method has them, onset, dynamics, spatial pattern and attribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from bench.core.contract import InvalidAnswer

TITLE = "Decoding of trials from sensors"
FAMILY = "brain"
REPLICATE = "generator draw"

TOY = ("planted/evoked_clear", "planted/induced_clear", "planted/four_tesla", "planted/null_blocked")
SCAFFOLD = {
    "scores": "np.zeros((*problem.test_trials.shape[:2], problem.classes))",
    "p_values": "np.ones(len(problem.train_trials))",
    "onset": "None",
    "dynamics": "None",
    "pattern": "None",
    "attribution": "None",
}

DYNAMICS = ("none", "sustained", "chain", "reactivated")
NEVER = -1  # the onset of an answer that says that labels can be told at no time


@dataclass(frozen=True)
class Problem:
    """What the method sees: one or more independent data sets of the same design.

    Labels are 0 to `classes` - 1. A group is a run (or subject): its trials are contiguous in time and
    cross-validation must keep it together. The first sample of a trial lies `start` s from its event; values are in
    `units` (`V`, `T`, or `a.u.` where nobody recorded them). Some of the test trials are test trials with one channel
    exchanged for that of another trial; which ones is not said.
    """

    train_trials: Float[np.ndarray, "sets train channels time"]
    train_labels: Int[np.ndarray, "sets train"]
    train_groups: Int[np.ndarray, "sets train"]
    test_trials: Float[np.ndarray, "sets test channels time"]
    classes: int
    channels: list[str]
    sampling_rate: float
    start: float
    units: str


@dataclass(frozen=True)
class Truth:
    """Labels of the test trials, -1 for those with an exchanged channel, and what was planted.

    `onset` is the first sample at which the classes differ. `topographies` are what the sensors see of the planted
    sources, in the order in which they are active. `ideal` holds the log-likelihoods of the test trials under each
    class by the planted parameters. `exchanged` is the channel that was exchanged in a test trial, or -1, and
    `original` the test trial that it was (itself where nothing was exchanged). In a `null` unit labels say nothing.
    """

    null: bool
    test_labels: Int[np.ndarray, "sets test"]
    original: Int[np.ndarray, "sets test"]
    exchanged: Int[np.ndarray, "sets test"]
    ideal: Float[np.ndarray, "sets test classes"] | None
    topographies: Float[np.ndarray, "sets sources channels"] | None
    onset: Int[np.ndarray, "sets"] | None
    dynamics: str | None


@dataclass(frozen=True)
class Answer:
    """What a method says of every data set.

    `scores` are log-probabilities of the classes up to a constant a trial. `p_values`: how likely the training trials
    would be decoded so well if labels said nothing. `onset`: the first sample since which labels can be told, or -1.
    `dynamics`: one of `DYNAMICS`. `pattern`: how the source that tells the classes apart appears on the sensors, up to
    a factor. `attribution`: how much the decoder's own scores depend on each channel, not negative.
    """

    scores: Float[np.ndarray, "sets test classes"]
    p_values: Float[np.ndarray, "sets"]
    onset: Int[np.ndarray, "sets"] | None
    dynamics: list[str] | None
    pattern: Float[np.ndarray, "sets channels"] | None
    attribution: Float[np.ndarray, "sets channels"] | None


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless every field has its shape and range."""
    sets, _, channels, time = problem.train_trials.shape
    expected = {
        "scores": (sets, problem.test_trials.shape[1], problem.classes), "p_values": (sets,), "onset": (sets,),
        "pattern": (sets, channels), "attribution": (sets, channels),
    }  # fmt: skip
    for name, shape in expected.items():
        values = getattr(answer, name)
        if values is None and name not in ("scores", "p_values"):
            continue
        if values.shape != shape:
            raise InvalidAnswer(f"{name} has shape {values.shape}, expected {shape}")
        if not np.isfinite(values).all():
            raise InvalidAnswer(f"{name} has {int((~np.isfinite(values)).sum())} values that are NaN or infinite")
    _check_ranges(answer, sets, time)


def _check_ranges(answer: Answer, sets: int, time: int) -> None:
    if ((answer.p_values < 0) | (answer.p_values > 1)).any():
        raise InvalidAnswer(f"p_values reach from {answer.p_values.min()} to {answer.p_values.max()}, expected 0 to 1")
    if answer.onset is not None and ((answer.onset < NEVER) | (answer.onset >= time)).any():
        raise InvalidAnswer(f"onset has values outside {NEVER} to {time - 1}")
    if answer.attribution is not None and (answer.attribution < 0).any():
        raise InvalidAnswer(f"attribution has {int((answer.attribution < 0).sum())} negative values")
    if answer.dynamics is not None and (len(answer.dynamics) != sets or set(answer.dynamics) - set(DYNAMICS)):
        raise InvalidAnswer(f"dynamics is {answer.dynamics}, expected {sets} of {', '.join(DYNAMICS)}")
