"""Alignment of subjects: predict a subject's responses from those of others, through what they share.

A problem is training responses of several subjects to the same stimuli and test responses of all but the first; the
answer is the first subject's test responses, and the correlation that the method itself expects of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from bench.core.contract import InvalidAnswer

TITLE = "Alignment of subjects"
FAMILY = "brain"
REPLICATE = "generator draw (shared signal, maps and noise)"

TOY = ("planted/rotated", "planted/null_unrelated")
SCAFFOLD = {"predictions": "problem.test.mean(axis=0)", "expected": "0.0"}


@dataclass(frozen=True)
class Problem:
    """What the method sees.

    `train[s, t]` are the responses of subject s to stimulus t; subject 0 is the one to predict. `test[s - 1]` are those
    of subject s to other stimuli. Stimuli of one group (run, film) belong together; cross-validation keeps a group
    together. Voxels stand on a line, voxel v of one subject where voxel v of another one is.
    """

    train: Float[np.ndarray, "subjects train voxels"]
    train_groups: Int[np.ndarray, "train"]
    test: Float[np.ndarray, "others time voxels"]
    test_groups: Int[np.ndarray, "time"]


@dataclass(frozen=True)
class Truth:
    """The first subject's test signal without noise. In a `null` unit it has nothing to do with the others'."""

    null: bool
    signal: Float[np.ndarray, "time voxels"]


@dataclass(frozen=True)
class Answer:
    """Predicted test responses of the first subject, and the mean correlation over voxels that is expected of them
    with that subject's (noisy) responses."""

    predictions: Float[np.ndarray, "time voxels"]
    expected: float


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless predictions are finite and of the right shape, and a correlation is expected."""
    expected = problem.test.shape[1:]
    if answer.predictions.shape != expected:
        raise InvalidAnswer(f"predictions have shape {answer.predictions.shape}, expected {expected} (time, voxels)")
    if not np.isfinite(answer.predictions).all():
        raise InvalidAnswer(
            f"predictions have {int((~np.isfinite(answer.predictions)).sum())} values that are not finite"
        )
    if not -1 <= answer.expected <= 1:
        raise InvalidAnswer(f"expected is {answer.expected}; give a correlation from -1 to 1")
