"""What the methods of this track share: a problem's parts as arrays, and the p of a best score."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from bench.core.contract import Unsupported
from bench.tracks.similarity.types import Answer, Problem

EXHAUSTIVE = 6  # runs of which all orders are listed (720); of more, orders are drawn with replacement
Compare = Callable[[list[np.ndarray], np.ndarray], np.ndarray]
"""Scores `regions candidates` of features, one array `stimuli units` a candidate, and responses."""


def features_of(problem: Problem) -> list[Float[np.ndarray, "stimuli units"]]:
    """The activations of each candidate."""
    return [problem.features[:, problem.owner == at] for at in range(len(problem.candidates))]


def averaged(problem: Problem) -> Float[np.ndarray, "regions stimuli sites"]:
    """Responses, mean over repeats."""
    return problem.responses.mean(axis=1)


def drawn_orders(
    runs: Int[np.ndarray, "stimuli"], rng: np.random.Generator, count: int
) -> list[Int[np.ndarray, "stimuli"]]:
    """Rows in up to `count` different orders of whole runs, the present one not among them.

    Raises `Unsupported` where runs are not all of one length, or there are so many rows in one run that no other order
    exists.
    """
    rows = [np.flatnonzero(runs == run) for run in np.unique(runs)]
    if len({len(one) for one in rows}) > 1:
        raise Unsupported("runs of different lengths cannot change places; cut them to one length")
    if len(rows) > EXHAUSTIVE:
        return [np.concatenate([rows[at] for at in rng.permutation(len(rows))]) for _ in range(count)]
    others = list(itertools.permutations(range(len(rows))))[1:]
    return [np.concatenate([rows[at] for at in others[one]]) for one in rng.permutation(len(others))[:count]]


def judge(
    problem: Problem,
    rng: np.random.Generator,
    compare: Compare,
    orders: int,
    *,
    responses: np.ndarray | None = None,
    moved: Literal["responses", "features"] = "responses",
) -> Answer:
    """Scores of every region and candidate, and p of each region's best one.

    p is the share of orders of the runs, the present one among them, under which the region's best score is at least as
    high. What lasts inside a run (slow noise, blocks of one category, drifts that start anew with each run) is left as
    it is, and whole runs are exchangeable where nothing is planted; single stimuli are not, and rotations of all
    stimuli would move the bounds of runs. `responses` (`regions ... stimuli sites`) are the averaged ones unless given;
    `moved` says which side changes its order.
    """
    features, measured = features_of(problem), averaged(problem) if responses is None else responses
    scores = compare(features, measured)
    best = scores.max(axis=1)
    drawn = drawn_orders(problem.runs, rng, orders)
    reached = np.ones(len(best))
    for rows in drawn:
        if moved == "features":
            found = compare([some[rows] for some in features], measured)
        else:
            found = compare(features, np.take(measured, rows, axis=-2))
        reached += found.max(axis=1) >= best
    return Answer(scores, reached / (1 + len(drawn)), None)
