"""Boosting: kernels grow by small fixed steps, one coefficient at a time.

Stimuli and responses in units of their standard deviation; each step adds or takes `step` where that lowers the
squared error of the fitted groups most. It ends where no step lowers it; the kernel kept is that of the step with the
least error in the held-out fold. The mean of the kernels over folds is the answer, so that most coefficients are 0.

Departs from the paper in holding out each fold in turn and in running on after the held-out error has risen.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.lags import Moments
from bench.kernels.regression import Standardisation
from bench.tracks.temporal_response.estimation import moments_of, respond, shape, spreads, windows_of
from bench.tracks.temporal_response.types import Answer, Problem

REFERENCE = "David, Mesgarani and Shamma (2007), Network: Computation in Neural Systems 18:191-212"
INVARIANT_TO = ("scale",)
FOLDS = 4


def grow(moments: Moments, fold: int, step: float, most: int) -> np.ndarray:
    """Kernels (columns, targets) at the step of least error in `fold`, grown on the other folds."""
    gram, slope = moments.without(fold)
    gain = step * np.diag(gram)[:, None]
    kernels, best = np.zeros_like(slope), np.zeros_like(slope)
    residual = -moments.cross[fold]  # X'(X k - Y) of the held-out fold
    error, least = np.zeros(slope.shape[1]), np.zeros(slope.shape[1])
    targets = np.arange(slope.shape[1])
    for _ in range(most):
        lowered = 2 * np.abs(slope) - gain
        column = lowered.argmax(axis=0)
        moves = step * np.sign(slope[column, targets]) * (lowered[column, targets] > 0)
        if not moves.any():
            break
        error += 2 * moves * residual[column, targets] + moves**2 * moments.gram[fold][column, column]
        kernels[column, targets] += moves
        slope = slope - gram[:, column] * moves
        residual = residual + moments.gram[fold][:, column] * moves
        better = error < least
        best[:, better], least[better] = kernels[:, better], error[better]
    return best


def grow_kernels(problem: Problem, step: float, most: int) -> np.ndarray:
    windows = windows_of(problem)
    unit = 1 / np.repeat(spreads(problem), len(problem.lags))
    loud = Standardisation.of(windows.responses).scale
    plain = moments_of(windows, FOLDS)
    moments = Moments(plain.gram * unit * unit[:, None], plain.cross * unit[:, None] / loud, plain.power / loud**2)
    grown = np.mean([grow(moments, fold, step, most) for fold in range(len(moments.gram))], axis=0)
    return shape(problem, grown * unit[:, None] * np.where(np.isinf(loud), 0.0, loud))


def solve(problem: Problem, rng: np.random.Generator, *, step: float = 0.005, most: int = 600) -> Answer:
    return respond(problem, lambda some: grow_kernels(some, step, most), rng)
