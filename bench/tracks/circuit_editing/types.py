"""Circuit editing: change one rule of what a model does by changing as little of the model as it takes.

A problem is a model and examples of the wanted outputs, few of which differ from what the model says. The answer is a
change of the matrices through which MLPs write. It is judged on every input: the edited program says what is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.contract import Blob, check_numbers

TITLE = "Circuit editing"
FAMILY = "circuits"
REPLICATE = "model drawn anew (residual basis rotated, heads and units permuted, decoys and examples drawn)"

TOY = ("compiled/twice_few", "compiled/nothing_to_change_few")

SCAFFOLD = {"changes": "np.zeros((len(problem.mlps), problem.units, problem.width))"}


@dataclass(frozen=True)
class Problem:
    """What the method sees.

    `changes[l]` of an answer is added to the matrix through which `mlps[l]` writes, [units, width]. Example i reads
    `inputs[i]` and is to give `wanted[i]`, which at positions where `changed` is False is what the model gives as it
    is, to within `tolerance`. An output is right where no coordinate is off by more than `tolerance`; it counts at the
    `scored` positions. `budget` is the number of example passes (forward + backward) that a method may spend.
    """

    model: Blob
    mlps: list[str]
    units: int
    width: int
    inputs: Int[np.ndarray, "inputs pos"]
    wanted: Float[np.ndarray, "inputs pos outputs"]
    changed: Bool[np.ndarray, "inputs pos"]
    scored: Bool[np.ndarray, "pos"]
    tolerance: float
    budget: int


@dataclass(frozen=True)
class Truth:
    """The edited program on every input, where it differs from the program, and one edit of the model that does it.

    `rule` says which MLP holds the rule. On a `null` unit the program is to stay as it is.
    """

    null: bool
    inputs: Int[np.ndarray, "all pos"]
    wanted: Float[np.ndarray, "all pos outputs"]
    changed: Bool[np.ndarray, "all pos"]
    rule: Bool[np.ndarray, "mlps"]
    changes: Float[np.ndarray, "mlps units width"]


@dataclass(frozen=True)
class Answer:
    """What is added to the matrix through which each MLP writes."""

    changes: Float[np.ndarray, "mlps units width"]


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless there is a finite change for each number of each matrix."""
    check_numbers("changes", answer.changes, MLPs=len(problem.mlps), units=problem.units, width=problem.width)
