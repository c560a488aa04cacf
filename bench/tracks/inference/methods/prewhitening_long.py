"""Prewhitening of an order chosen for each data set.

As first-order prewhitening, with the order from 0 to 10 that has the least AIC, n log s^2 + 2 order, of the
Yule-Walker filters of the residuals; s^2 is the variance that they leave.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.resampling import correlation_p, standardise_rows
from bench.kernels.stationary import autocorrelation, prewhiten, yule_walker
from bench.tracks.inference.types import Answer, Problem

REFERENCE = "Akaike (1974), IEEE Transactions on Automatic Control 19:716-723; Cochrane and Orcutt (1949)"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, highest: int = 10) -> Answer:
    x, y = standardise_rows(problem.feature), standardise_rows(problem.response)
    correlation = autocorrelation(y - (x * y).sum(axis=1, keepdims=True) * x)
    filters = chosen_filters(correlation, x.shape[1], highest)
    x, y = (standardise_rows(prewhiten(series, filters)) for series in (x, y))
    return Answer(correlation_p((x * y).sum(axis=1), problem.feature.shape[1] - highest))


def chosen_filters(correlation: np.ndarray, rows: int, highest: int) -> np.ndarray:
    """Filters of the best order, filled up with zeros to the highest."""
    best = np.zeros((len(correlation), highest))
    least = np.zeros(len(correlation))  # the AIC of order 0, where the variance left is 1
    for order in range(1, highest + 1):
        filters = yule_walker(correlation, order)
        left = 1 - (filters * correlation[:, 1 : order + 1]).sum(axis=1)
        criterion = rows * np.log(left) + 2 * order
        better = criterion < least
        least[better] = criterion[better]
        best[better, :order], best[better, order:] = filters[better], 0.0
    return best
