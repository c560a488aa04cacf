"""Inference at many sites: where, in time or over voxels, is there an effect in the population?

A problem is many independent data sets, each the effect of every subject at sites that depend on each other; the answer
is a p-value for each site, adjusted so that a data set without effects has any p <= .05 with probability .05 at most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from bench.core.contract import InvalidAnswer

TITLE = "p-values for many sites: time points and voxels"
FAMILY = "brain"
REPLICATE = "generator draw (a batch of independent data sets)"

TOY = ("fields/few_subjects", "fields/few_subjects_null")
SCAFFOLD = {"p": "rng.random(problem.effects[:, 0].shape)"}


@dataclass(frozen=True)
class Problem:
    """What the method sees: `effects[d, s, v]` of subject s at site v of data set d, in standard units.

    Subjects are independent draws from a population, symmetric about its mean. Sites form a `grid` (its lengths; one
    length is a course in time), in the order of C; sites that share a face are neighbours. Effects have either sign.
    """

    effects: Float[np.ndarray, "datasets subjects sites"]
    grid: list[int]


@dataclass(frozen=True)
class Truth:
    """At which sites the population mean is not 0; in a `null` unit at none."""

    null: bool
    active: Bool[np.ndarray, "datasets sites"]


@dataclass(frozen=True)
class Answer:
    """One adjusted p-value for each site of each data set."""

    p: Float[np.ndarray, "datasets sites"]


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` unless there is one p-value from 0 to 1 for each site."""
    expected = (len(problem.effects), problem.effects.shape[2])
    if answer.p.shape != expected:
        raise InvalidAnswer(f"p has shape {answer.p.shape}, expected {expected} (data sets, sites)")
    bad = ~((answer.p >= 0) & (answer.p <= 1))
    if bad.any():
        raise InvalidAnswer(f"p has {int(bad.sum())} values outside 0 to 1, the first is {answer.p[bad][0]}")
