"""Circuit comparison: which of several networks compute what a reference computes by the same algorithm?

All networks of a problem give the same answers on every input, so that answers tell nothing. Heads are permuted,
residual streams stand in other bases and widths, symbols have other token numbers. What an algorithm is, and when two
are the same, is defined in `bench.tracks.circuit_comparison.canonical`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.contract import Blob, check_numbers

TITLE = "Circuit comparison"
FAMILY = "circuits"
REPLICATE = "reference and candidates drawn anew (algorithms, variants, disguises, inputs)"

TOY = ("compiled/sums_three", "compiled/sums_three_null")

SCAFFOLD = {
    "scores": "rng.random(len(problem.start) - 1)",
    "same": "np.zeros(len(problem.start) - 1, bool)",
}


@dataclass(frozen=True)
class Problem:
    """What the method sees.

    `networks` holds the reference first and then the candidates (`bench.tracks.circuit_comparison.networks`). An input
    is a string of symbol numbers; network m reads token `start[m]` and then `alphabet[m, symbol]` for each symbol. The
    `strings` are a sample: every string of that length over the alphabet may be fed. Outputs count at all positions but
    the first, and their coordinates mean the same in all networks. `budget` is the number of example passes (forward +
    backward, all networks together) that a method may spend.
    """

    networks: Blob
    alphabet: Int[np.ndarray, "networks symbols"]
    start: Int[np.ndarray, "networks"]
    strings: Int[np.ndarray, "strings length"]
    budget: int


@dataclass(frozen=True)
class Truth:
    """Which candidates implement the reference's algorithm; on a `null` unit none does."""

    null: bool
    same: Bool[np.ndarray, "candidates"]


@dataclass(frozen=True)
class Answer:
    """A score per candidate, higher the likelier it implements the reference's algorithm; and those said to do so.

    `probabilities` that a candidate does are optional.
    """

    scores: Float[np.ndarray, "candidates"]
    same: Bool[np.ndarray, "candidates"]
    probabilities: Float[np.ndarray, "candidates"] | None = None


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless there is one finite score and one decision a candidate."""
    candidates = len(problem.start) - 1
    check_numbers("scores", answer.scores, candidates=candidates)
    check_numbers("same", answer.same, candidates=candidates)
    if answer.probabilities is not None:
        check_numbers("probabilities", answer.probabilities, (0, 1), candidates=candidates)
