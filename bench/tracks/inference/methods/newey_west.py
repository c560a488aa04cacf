"""t-test with a standard error that allows for autocorrelation.

Least squares, and a variance of the slope from the sample autocovariances of x e with weights that fall linearly to
zero at the bandwidth 4 (n / 100)^(2/9). The reference is t with n - 2 degrees of freedom.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.resampling import standardise_rows, student_p
from bench.tracks.inference.types import Answer, Problem

REFERENCE = "Newey and West (1987), Econometrica 55:703-708; bandwidth: Newey and West (1994), RES 61:631-653"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    x, y = standardise_rows(problem.feature), standardise_rows(problem.response)
    slope = (x * y).sum(axis=1)
    rows = x.shape[1]
    variance = long_run_variance(x * (y - slope[:, None] * x), int(4 * (rows / 100) ** (2 / 9)))
    return Answer(student_p(slope / np.sqrt(variance), rows - 2))


def long_run_variance(score: np.ndarray, bandwidth: int) -> np.ndarray:
    """sum_t s_t^2 + 2 sum_k (1 - k / (bandwidth + 1)) sum_t s_t s_(t-k), never negative."""
    total = (score**2).sum(axis=1)
    for lag in range(1, bandwidth + 1):
        total = total + 2 * (1 - lag / (bandwidth + 1)) * (score[:, lag:] * score[:, :-lag]).sum(axis=1)
    return total
