"""Temporal responses: through which kernel, and after what delay, does a stimulus act on a response?

A problem is continuous stimuli and responses to them; the answer is a kernel for every feature and target, when it
peaks, and a p-value for there being any response at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.contract import InvalidAnswer

TITLE = "Kernels and delays of temporal responses"
FAMILY = "brain"
REPLICATE = "generator draw (stimuli, kernels and noise)"

TOY = ("electric/words", "electric/null_envelope", "blood/events")
SCAFFOLD = {
    "kernels": "np.zeros((problem.stimuli.shape[1], len(problem.lags), problem.responses.shape[1]))",
    "p_values": "np.ones(problem.responses.shape[1])",
    "peaks": "None",
}

KINDS = ("electric", "blood")


@dataclass(frozen=True)
class Problem:
    """What the method sees.

    Rows are samples in time, `sampling_rate` in Hz (of a volume series: 1 / TR). Rows of one group (trial, run) are
    contiguous; between groups time is missing, and what happened before a group began is not known. A kernel is asked
    for at `lags` (samples, ascending, one apart; negative ones lie before the stimulus): y(t) = sum over f and l of
    k[f, l] x_f(t - l). `bands[f]` is the feature space of feature f. Stimuli and responses have units, those of the
    responses are `units`. `kind` is `electric` (EEG, MEG) or `blood` (BOLD).
    """

    stimuli: Float[np.ndarray, "time features"]
    responses: Float[np.ndarray, "time targets"]
    groups: Int[np.ndarray, "time"]
    bands: Int[np.ndarray, "features"]
    lags: Int[np.ndarray, "lags"]
    sampling_rate: float
    units: str
    kind: str


@dataclass(frozen=True)
class Truth:
    """The kernels of the best linear account of the responses (units of responses per unit of stimuli).

    `peaks` is when the continuous kernel is largest in absolute value, in s, and 0 where a feature does not act
    (`acts`). In a `null` unit none does. What the ideal observer may know beside the data: `noise_covariance`, the
    covariance of the noise at each distance in samples relative to `noise_variance`, and `prior`, the second moments of
    kernels that could have been drawn, laid flat feature by feature.
    """

    null: bool
    kernels: Float[np.ndarray, "features lags targets"]
    peaks: Float[np.ndarray, "features targets"]
    acts: Bool[np.ndarray, "features targets"]
    noise_covariance: Float[np.ndarray, "distances"]
    noise_variance: Float[np.ndarray, "targets"]
    prior: Float[np.ndarray, "columns columns"]


@dataclass(frozen=True)
class Answer:
    """Kernels in units of responses per unit of stimuli; the p-value of no response at all, target by target.

    `peaks` (s) says when each kernel is largest in absolute value; without it, the kernel's largest sample and its
    neighbours say so by a parabola.
    """

    kernels: Float[np.ndarray, "features lags targets"]
    p_values: Float[np.ndarray, "targets"]
    peaks: Float[np.ndarray, "features targets"] | None = None


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless kernels are finite, of the problem's shape, and p-values lie in [0, 1]."""
    features, targets = problem.stimuli.shape[1], problem.responses.shape[1]
    expected = (features, len(problem.lags), targets)
    if answer.kernels.shape != expected:
        raise InvalidAnswer(f"kernels have shape {answer.kernels.shape}, expected {expected} (features, lags, targets)")
    if not np.isfinite(answer.kernels).all():
        raise InvalidAnswer(f"kernels have {int((~np.isfinite(answer.kernels)).sum())} values that are not finite")
    if len(answer.p_values) != targets or not ((answer.p_values >= 0) & (answer.p_values <= 1)).all():
        raise InvalidAnswer(f"p_values must be {targets} numbers from 0 to 1, one a target")
    if answer.peaks is not None and (answer.peaks.shape != (features, targets) or not np.isfinite(answer.peaks).all()):
        raise InvalidAnswer(f"peaks must be finite and of shape {(features, targets)} (features, targets)")
