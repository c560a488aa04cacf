"""Frequencies: with which Fourier components does a network add modulo p?

A network trained on a + b modulo p holds numbers as angles 2 pi k a / p for a few frequencies k and adds angles. The
answer is a score for every frequency 1 to (p - 1) / 2, and which ones the method says are used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.contract import Blob, check_numbers

TITLE = "Frequencies of modular addition"
FAMILY = "circuits"
REPLICATE = "trained model (another seed of weights and of the pairs that train), numbers relabelled by a unit"

TOY = ("modular_addition/p17", "modular_addition/table")

SCAFFOLD = {
    "scores": "rng.random((problem.modulus - 1) // 2)",
    "uses": "np.zeros((problem.modulus - 1) // 2, bool)",
}


@dataclass(frozen=True)
class Problem:
    """What the method sees.

    The model reads "a b =" as symbols a, b and p, and its p outputs at the last position are logits of the answer
    `answers`. `pairs` are some of the p^2 inputs. The margin of an output is its logit minus the mean of all. `budget`
    is the number of example passes (forward + backward) that a method may spend.
    """

    model: Blob
    modulus: int
    pairs: Int[np.ndarray, "pairs operands"]
    answers: Int[np.ndarray, "pairs"]
    budget: int


@dataclass(frozen=True)
class Truth:
    """Which frequencies the network adds with, by two measures over all p^2 inputs.

    `energy[k - 1]` is the share of the variance of the logits over inputs that lies at frequency k of both operands.
    `falls[k - 1]` is the share of the margin of right answers that is lost without frequency k in the embedding.
    Where both have the same set above a tenfold gap, `uses` is that set and `certified`. On a `null` unit the network
    adds with no frequency.
    """

    null: bool
    certified: bool
    energy: Float[np.ndarray, "frequencies"]
    falls: Float[np.ndarray, "frequencies"]
    uses: Bool[np.ndarray, "frequencies"]


@dataclass(frozen=True)
class Answer:
    """A score for each frequency from 1 on (larger: used more) and the frequencies that are used."""

    scores: Float[np.ndarray, "frequencies"]
    uses: Bool[np.ndarray, "frequencies"]


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless every frequency has a finite score and a verdict."""
    frequencies = (problem.modulus - 1) // 2
    check_numbers("scores", answer.scores, frequencies=frequencies)
    check_numbers("uses", answer.uses, frequencies=frequencies)
