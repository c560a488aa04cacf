"""Partial least squares regression.

Components of the features that covary most with the responses, taken one after the other, common to all targets; their
number has the least squared error (of standardised responses, summed over targets) on held-out groups. Features as
they are, without delays.

Departs from Wold et al. in the choice of the number of components by whole groups.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.cross_decomposition import PLSRegression

from bench.kernels.regression import Standardisation, group_folds, held_out_error
from bench.tracks.encoding.types import Answer, Problem

REFERENCE = "Wold, Sjostrom and Eriksson (2001), Chemometrics and Intelligent Laboratory Systems 58:109-130"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, components: int = 12, folds: int = 5) -> Answer:
    held = group_folds(problem.train_groups, folds)
    scaling, units = Standardisation.of(problem.train_features), Standardisation.of(problem.train_responses)
    x, y = scaling.apply(problem.train_features), units.apply(problem.train_responses)
    fewest = len(x) - max(len(rows) for rows in held) - 1
    largest = min(components, x.shape[1], fewest)
    error = held_out_error(x, y, held, lambda a, b, c: pls_path(a, b, c, largest)).sum(axis=1)
    candidates = list(pls_path(x, y, scaling.apply(problem.test_features), largest))
    return Answer(units.undo(candidates[int(error.argmin())]))


def pls_path(features: np.ndarray, responses: np.ndarray, others: np.ndarray, largest: int) -> Iterator[np.ndarray]:
    """Predictions at `others` with 1, ..., `largest` components, all from one fit: coefficients R_k Q_k'."""
    fitted = PLSRegression(largest, scale=False, max_iter=2000, tol=1e-6).fit(features, responses)
    scores = others @ fitted.x_rotations_
    for count in range(1, largest + 1):
        yield scores[:, :count] @ fitted.y_loadings_[:, :count].T
