"""What protocols share: ridge on one set at a time, and the mean correlation over held-out folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int

from bench.kernels.correlation import correlate_columns
from bench.kernels.regression import group_folds, predict_ridge
from bench.tracks.leakage.types import Problem

Rows = Int[np.ndarray, "rows"]


def scores_of_sets(
    problem: Problem,
    folds: Sequence[Rows],
    inner: Callable[[Rows], list[Rows]],
    keep: Callable[[Rows], Rows] | None = None,
) -> Float[np.ndarray, "sets"]:
    """Mean over folds and targets of r on the held-out rows of each fold, for every set.

    A fold is trained on the rows that it does not hold, or on `keep(held)` of all; `inner(rows)` are the held-out
    positions among the training rows by which the penalty is chosen.
    """
    everything = np.arange(len(problem.responses))
    found = np.zeros(int(problem.sets.max()) + 1)
    for held in folds:
        train = np.setdiff1d(everything, held) if keep is None else keep(held)
        for number in range(len(found)):
            columns = problem.features[:, problem.sets == number]
            predicted = predict_ridge(columns[train], problem.responses[train], columns[held], inner(train))
            found[number] += correlate_columns(predicted, problem.responses[held]).mean()
    return found / len(folds)


def run_folds(problem: Problem) -> list[Rows]:
    """One fold a run."""
    return [np.flatnonzero(problem.runs == run) for run in np.unique(problem.runs)]


def contiguous(rows: int, count: int) -> list[Rows]:
    """Contiguous blocks of rows, equal to within one."""
    return np.array_split(np.arange(rows), count)


def inner_runs(problem: Problem) -> Callable[[Rows], list[Rows]]:
    """Among training rows, whole runs in three folds."""
    return lambda rows: group_folds(problem.runs[rows], 3)
