"""What the methods of this track share: a problem's parts as arrays, and the p of a best score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from bench.tracks.similarity.types import Answer, Problem

Compare = Callable[[list[np.ndarray], np.ndarray], np.ndarray]
"""Scores `regions candidates` of features, one array `stimuli units` a candidate, and responses."""


def features_of(problem: Problem) -> list[Float[np.ndarray, "stimuli units"]]:
    """The activations of each candidate."""
    return [problem.features[:, problem.owner == at] for at in range(len(problem.candidates))]


def averaged(problem: Problem) -> Float[np.ndarray, "regions stimuli sites"]:
    """Responses, mean over repeats."""
    return problem.responses.mean(axis=1)


def drawn_shifts(problem: Problem, rng: np.random.Generator, count: int) -> Int[np.ndarray, "shifts"]:
    """Different lags by which the order of the stimuli is rotated, none of them 0."""
    stimuli = len(problem.features)
    return 1 + rng.permutation(stimuli - 1)[:count]


def judge(
    problem: Problem,
    rng: np.random.Generator,
    compare: Compare,
    shifts: int,
    *,
    responses: np.ndarray | None = None,
    moved: Literal["responses", "features"] = "responses",
) -> Answer:
    """Scores of every region and candidate, and p of each region's best one.

    p is the share of rotations of the stimulus order, the identity among them, under which the region's best score is
    at least as high. Where the order carries no relation but neighbours are alike (slow noise, blocks of one category),
    rotations keep that likeness; independent permutations do not, and would find relations everywhere. `responses`
    (`regions ... stimuli sites`) are the averaged ones unless given; `moved` says which side is rotated.
    """
    features, measured = features_of(problem), averaged(problem) if responses is None else responses
    scores = compare(features, measured)
    best = scores.max(axis=1)
    reached = np.ones(len(best))
    for lag in drawn_shifts(problem, rng, shifts):
        if moved == "features":
            found = compare([np.roll(some, -lag, axis=0) for some in features], measured)
        else:
            found = compare(features, np.roll(measured, lag, axis=-2))
        reached += found.max(axis=1) >= best
    return Answer(scores, reached / (1 + shifts), None)
