"""Inference on two models: does one of them describe the brain better, for other subjects and other stimuli too?

A problem is many independent data sets, each the dissimilarity matrices of some subjects and of two models over the
same stimuli; the answer is a p-value for each. The claim is about the populations of subjects and of stimuli.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from bench.core.contract import InvalidAnswer

TITLE = "p-values for the comparison of two models"
FAMILY = "brain"
REPLICATE = "generator draw (a batch of independent data sets)"

TOY = ("matrices/few_stimuli", "matrices/few_stimuli_null")
SCAFFOLD = {"p": "rng.random(len(problem.brain))"}


@dataclass(frozen=True)
class Problem:
    """What the method sees: matrices as vectors of their pairs i < j, in the order of `numpy.triu_indices(stimuli, 1)`.

    The comparison is by Pearson's r of a model's matrix with each subject's, averaged over subjects; the null is that
    the expected difference over new subjects and new stimuli is 0. It is two-sided.
    """

    brain: Float[np.ndarray, "datasets subjects pairs"]
    first: Float[np.ndarray, "datasets pairs"]
    second: Float[np.ndarray, "datasets pairs"]
    stimuli: int


@dataclass(frozen=True)
class Truth:
    """In which data sets the models differ in the population; in a `null` unit in none.

    `ideal` is the p-value of the observed difference in its true null distribution (2,000 simulated data sets of the
    same design): what a test on this difference could find at best if it knew its own null.
    """

    null: bool
    differ: Bool[np.ndarray, "datasets"]
    ideal: Float[np.ndarray, "datasets"]


@dataclass(frozen=True)
class Answer:
    """One p-value a data set."""

    p: Float[np.ndarray, "datasets"]


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless there is one p-value from 0 to 1 for each data set."""
    if answer.p.shape != problem.brain.shape[:1]:
        raise InvalidAnswer(f"p has {len(answer.p)} values, problem has {len(problem.brain)} data sets")
    bad = ~((answer.p >= 0) & (answer.p <= 1))
    if bad.any():
        raise InvalidAnswer(f"p has {int(bad.sum())} values outside 0 to 1, the first is {answer.p[bad][0]}")
