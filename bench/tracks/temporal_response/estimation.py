"""What methods share: windows of a problem, their moments, and the p-value of a response in held-out groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.contract import Unsupported
from bench.kernels.lags import Moments, centre_groups, lag_windows, pairing_p, whole_rows
from bench.kernels.regression import Standardisation, group_folds
from bench.tracks.temporal_response.types import Answer, Problem

FOLDS = 5
TESTED = 3  # every so many-th group tests for a response
FEWEST = 8  # groups; with fewer no pairing of tested groups is rare enough for p <= .05

Fit = Callable[[Problem], np.ndarray]
"""Kernels (features, lags, targets) of a problem, in its own units."""


@dataclass(frozen=True)
class Windows:
    """The rows whose windows lie in their group: lagged stimuli and responses, less their means in each group."""

    design: Float[np.ndarray, "rows columns"]
    responses: Float[np.ndarray, "rows targets"]
    groups: Int[np.ndarray, "rows"]


def windows_of(problem: Problem) -> Windows:
    rows = whole_rows(problem.groups, problem.lags)
    groups = problem.groups[rows]
    design = centre_groups(lag_windows(problem.stimuli, rows, problem.lags), groups)
    return Windows(design, centre_groups(problem.responses[rows], groups), groups)


def moments_of(windows: Windows, folds: int = FOLDS) -> Moments:
    """Moments of folds of whole groups."""
    return Moments.of(windows.design, windows.responses, group_folds(windows.groups, folds))


def spreads(problem: Problem) -> Float[np.ndarray, "features"]:
    """Standard deviation of each stimulus; infinite where it is constant, so that its kernel is 0."""
    return Standardisation.of(problem.stimuli).scale


def shape(
    problem: Problem, columns: Float[np.ndarray, "columns targets"]
) -> Float[np.ndarray, "features lags targets"]:
    return columns.reshape(problem.stimuli.shape[1], len(problem.lags), -1)


def flatten(kernels: Float[np.ndarray, "features lags targets"]) -> Float[np.ndarray, "columns targets"]:
    return kernels.reshape(-1, kernels.shape[2])


def part(problem: Problem, chosen: Bool[np.ndarray, "time"]) -> Problem:
    """The problem's chosen samples."""
    return replace(
        problem, stimuli=problem.stimuli[chosen], responses=problem.responses[chosen], groups=problem.groups[chosen]
    )


def held_out_samples(groups: Int[np.ndarray, "time"]) -> Bool[np.ndarray, "time"]:
    """Samples of every third group, but of no fewer than five groups."""
    known, place = np.unique(groups, return_inverse=True)
    if len(known) < FEWEST:
        raise Unsupported(
            f"a response is tested in groups held out, which takes {FEWEST} groups; there are {len(known)}"
        )
    step = min(TESTED, (len(known) - 1) // 4)
    return place % step == 0


def response_p(problem: Problem, fit: Fit, rng: np.random.Generator) -> Float[np.ndarray, "targets"]:
    """p of no response: kernels of two thirds of the groups predict the others, paired rightly and wrongly.

    Groups are cut to the length of the shortest one that is tested.
    """
    tested = held_out_samples(problem.groups)
    kernels, held = fit(part(problem, ~tested)), windows_of(part(problem, tested))
    begins = np.flatnonzero(np.diff(held.groups, prepend=held.groups[:1] - 1))
    length = np.diff(np.append(begins, len(held.groups))).min()
    rows = begins[:, None] + np.arange(length)
    return pairing_p((held.design @ flatten(kernels))[rows], held.responses[rows], rng)


def respond(problem: Problem, fit: Fit, rng: np.random.Generator) -> Answer:
    """Kernels of all groups, and the p-value of a response."""
    return Answer(fit(problem), response_p(problem, fit, rng))
