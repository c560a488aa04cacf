"""Node roles: which attention heads of a trained model bring what stands in one place to where it is needed?

A role is a movement of information: for the answer at one position, a head brings what stands at a source to the
position `at`. The answer is a score for every role and head, and which heads the method says play the role.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.contract import Blob, check_numbers

TITLE = "Node roles in trained models"
FAMILY = "circuits"
REPLICATE = "trained model (another seed of weights and strings), disguised anew"

TOY = ("induction/two_heads", "induction/successors")

SCAFFOLD = {
    "scores": "rng.random((len(problem.roles), len(problem.heads)))",
    "plays": "np.zeros((len(problem.roles), len(problem.heads)), bool)",
}


@dataclass(frozen=True)
class Problem:
    """What the method sees.

    Example e belongs to role `role_of[e]`, whose plain words are in `meanings`. `altered[e]` differs from `tokens[e]`
    at position `source[e]` alone. A head that plays the role has, at position `at[e]`, taken up what stands at
    `source[e]`, and the model's right output `answer[e]` at position `answered[e]` rests on it. `answer` is right for
    `tokens`. The margin of an output is its logit minus the mean of all logits. `budget` is the number of example
    passes (forward + backward) that a method may spend.
    """

    model: Blob
    roles: list[str]
    meanings: list[str]
    heads: list[str]
    role_of: Int[np.ndarray, "examples"]
    tokens: Int[np.ndarray, "examples pos"]
    altered: Int[np.ndarray, "examples pos"]
    source: Int[np.ndarray, "examples"]
    at: Int[np.ndarray, "examples"]
    answered: Int[np.ndarray, "examples"]
    answer: Int[np.ndarray, "examples"]
    budget: int


@dataclass(frozen=True)
class Truth:
    """How strongly each head plays each role, and which heads play it where that is clear.

    `strengths[r, h]` is by how much the margin of the right answer falls when the output of head h at `at` alone is
    taken from the altered run, as a share of the margin; the mean over strings that the method does not see. `plays`
    is certified where the weakest player is at least ten times as strong as the strongest other head; without that
    `certified` is False and `plays` says nothing. On a `null` unit no head plays any role.
    """

    null: bool
    strengths: Float[np.ndarray, "roles heads"]
    plays: Bool[np.ndarray, "roles heads"]
    certified: Bool[np.ndarray, "roles"]


@dataclass(frozen=True)
class Answer:
    """A score for each role and head (larger: plays it more; compared within a role) and the heads that play it."""

    scores: Float[np.ndarray, "roles heads"]
    plays: Bool[np.ndarray, "roles heads"]


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless every role and head has a finite score and a verdict."""
    roles, heads = len(problem.roles), len(problem.heads)
    check_numbers("scores", answer.scores, roles=roles, heads=heads)
    check_numbers("plays", answer.plays, roles=roles, heads=heads)
