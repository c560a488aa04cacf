"""Circuit compilation: which part of a network is the smallest one that still computes the same, on every input?

A problem is a model, a few of its inputs and the set of all; the answer says which heads and MLP units to keep. What is
left out is deleted: it writes zero, so that the kept part is a network of its own, with fewer parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from bench.core.contract import Blob, check_numbers

TITLE = "Circuit compilation"
FAMILY = "circuits"
REPLICATE = "model drawn anew (residual basis rotated, heads and units permuted, decoys and inputs drawn)"

TOY = ("planted/gates", "planted/nothing_to_drop")

SCAFFOLD = {"keep": "np.ones(len(problem.parts), bool)"}


@dataclass(frozen=True)
class Problem:
    """What the method sees.

    A part is a head ("a0.h1") or an MLP unit ("m0.u3") that writes anything; `parameters[p]` is how many numbers go
    with it. Embeddings, norms, output biases of layers and the unembedding always stay. `inputs` are a sample of the
    model's inputs; all of them are the sequences whose token at each position is `allowed` there. Outputs count at the
    `scored` positions, and are equal where no coordinate differs by more than `tolerance`. `budget` is the number of
    example passes (forward + backward) that a method may spend.
    """

    model: Blob
    parts: list[str]
    parameters: Int[np.ndarray, "parts"]
    inputs: Int[np.ndarray, "inputs pos"]
    allowed: Bool[np.ndarray, "pos vocabulary"]
    scored: Bool[np.ndarray, "pos"]
    tolerance: float
    budget: int


@dataclass(frozen=True)
class Truth:
    """All smallest sets of parts that compute what the model does, on every input.

    Rows of `circuits` are equally right. On a `null` unit the one row is all True: nothing can go.
    """

    null: bool
    circuits: Bool[np.ndarray, "alternatives parts"]


@dataclass(frozen=True)
class Answer:
    """Which parts to keep; all others are deleted."""

    keep: Bool[np.ndarray, "parts"]


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless there is one decision a part."""
    check_numbers("keep", answer.keep, parts=len(problem.parts))
