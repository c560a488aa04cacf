"""Circuit transfer: which nodes of one model play the roles that are known in another?

A problem is two models, some nodes of the first, and inputs that both can read, pair by pair. The answer says for each
role how likely each node of the second model is to play it, and whether any does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.contract import Blob, check_numbers

TITLE = "Circuit transfer"
FAMILY = "circuits"
REPLICATE = "pair of models drawn anew (compiled: both disguised; trained: another model, heads and layers moved)"

TOY = ("compiled/addresses", "compiled/addresses_in_repeats")

SCAFFOLD = {
    "scores": "rng.random((len(problem.roles), len(problem.nodes)))",
    "found": "np.ones(len(problem.roles), bool)",
}


@dataclass(frozen=True)
class Problem:
    """What the method sees.

    `roles[r]` is the node of model A that plays role r; `nodes` are the heads and MLPs of model B. Row i of `inputs_a`
    and of `inputs_b` are the same string, in the token numbers of either model. Outputs count at the `scored`
    positions; coordinates of the two outputs need not mean the same. A head's role is played by a head, an MLP's by an
    MLP. `budget` is the number of example passes through both models (forward + backward) that a method may spend.
    """

    model_a: Blob
    model_b: Blob
    roles: list[str]
    nodes: list[str]
    inputs_a: Int[np.ndarray, "inputs pos"]
    inputs_b: Int[np.ndarray, "inputs pos"]
    scored: Bool[np.ndarray, "pos"]
    budget: int


@dataclass(frozen=True)
class Truth:
    """Which nodes of B play which role; several in a row are equally right, none means that B lacks the role.

    On a `null` unit B lacks them all.
    """

    null: bool
    plays: Bool[np.ndarray, "roles nodes"]


@dataclass(frozen=True)
class Answer:
    """How surely each node plays each role (the largest score of a row is the one named), and whether any does."""

    scores: Float[np.ndarray, "roles nodes"]
    found: Bool[np.ndarray, "roles"]


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless there is a finite score for each role and node, and a decision for each role."""
    check_numbers("scores", answer.scores, roles=len(problem.roles), nodes=len(problem.nodes))
    check_numbers("found", answer.found, roles=len(problem.roles))
