"""Noise ceilings: which share of the variance of a mean over repeats is signal?

A problem is repeated responses of many targets; the answer is, for each target, the reliability of the mean over its
repeats: the most that R^2 of any model can reach there, the root of it the most that r can.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from bench.core.contract import InvalidAnswer

TITLE = "Noise ceilings from repeats"
FAMILY = "brain"
REPLICATE = "generator draw (signals and noise of all targets)"

TOY = ("planted/few", "planted/null_few")
SCAFFOLD = {
    "reliability": "np.full(problem.responses.shape[2], 0.5)",
    "low": "None",
    "high": "None",
}
LEVEL = 0.95


@dataclass(frozen=True)
class Problem:
    """What the method sees: `responses[r, i, t]`, repeat r of stimulus i at target t, where `present[r, i]`.

    Stimuli are in the order of time; a repeat may be a presentation, a run or a subject (`repeats_are`), and may have
    an offset of its own. What stands where nothing is present counts for nothing. `units` is that of the responses.
    """

    responses: Float[np.ndarray, "repeats stimuli targets"]
    present: Bool[np.ndarray, "repeats stimuli"]
    repeats_are: str
    units: str


@dataclass(frozen=True)
class Truth:
    """`reliability[t]` = Var(signal) / Var(mean over the repeats that are there), variances over the stimuli and
    expected over the noise; all 0 on a `null` unit. `noiseless` is the signal (of variance 1, or 0 on a null unit)."""

    null: bool
    reliability: Float[np.ndarray, "targets"]
    noiseless: Float[np.ndarray, "stimuli targets"]


@dataclass(frozen=True)
class Answer:
    """The reliability of the mean for each target, not clipped, and where the method has one its 95 % interval."""

    reliability: Float[np.ndarray, "targets"]
    low: Float[np.ndarray, "targets"] | None
    high: Float[np.ndarray, "targets"] | None


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless each target has a finite reliability of at most 1 and both or no ends."""
    targets = problem.responses.shape[2]
    if answer.reliability.shape != (targets,):
        raise InvalidAnswer(f"reliability has {len(answer.reliability)} values, problem has {targets} targets")
    bad = ~(np.isfinite(answer.reliability) & (answer.reliability <= 1 + 1e-9))
    if bad.any():
        raise InvalidAnswer(
            f"reliability has {int(bad.sum())} values above 1 or not finite: {answer.reliability[bad][0]}"
        )
    if (answer.low is None) != (answer.high is None):
        raise InvalidAnswer("an interval has one end; give low and high, or None for both")
    if answer.low is not None and answer.high is not None and not (answer.low <= answer.high).all():
        raise InvalidAnswer("an interval has low above high, or an end that is NaN")
