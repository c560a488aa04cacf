"""Group lasso, product measure: whole spaces are taken or left.

argmin |Y - X w|^2 / 2n + penalty sum over spaces of root(size) |w_b|, by accelerated proximal gradient for all targets
at once; the penalty of each target has the least squared error when whole groups are held out. The share of a space is
its part of the predictions of other held-out groups, as the product measure counts it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.kernels.regression import group_folds, held_out_error
from bench.tracks.partition.fitting import INNER, Data, product_answer
from bench.tracks.partition.types import Answer, Problem

REFERENCE = "Yuan and Lin (2006), Journal of the Royal Statistical Society B 68:49-67; Beck and Teboulle (2009)"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True
SHARES = np.logspace(0, -2.5, 8)  # of the penalty that leaves all spaces out, strongest first


def weights_path(x: np.ndarray, y: np.ndarray, spaces: np.ndarray, steps: int) -> Iterator[np.ndarray]:
    """Weights (features, targets) of every penalty, each started from the one before."""
    one_hot = np.eye(int(spaces.max()) + 1)[:, spaces]
    roots = np.sqrt(one_hot.sum(axis=1))[:, None]
    gram, cross = x.T @ x / len(x), x.T @ y / len(x)
    rate = 1 / np.linalg.eigvalsh(gram)[-1]
    strongest = (np.sqrt(one_hot @ cross**2) / roots).max(axis=0)
    weights = np.zeros_like(cross)
    for share in SHARES:
        weights = descend(weights, gram, cross, share * strongest * roots * rate, one_hot, rate, steps)
        yield weights


def descend(
    weights: np.ndarray, gram: np.ndarray, cross: np.ndarray, threshold: np.ndarray, one_hot: np.ndarray, rate: float,
    steps: int,
) -> np.ndarray:  # fmt: skip
    """Accelerated proximal gradient; `threshold` (spaces, targets) is taken off each space's norm at every step."""
    ahead, momentum = weights, 1.0
    for _ in range(steps):
        moved = ahead - rate * (gram @ ahead - cross)
        norm = np.sqrt(one_hot @ moved**2)
        shrink = np.maximum(1 - threshold / np.where(norm > 0, norm, 1.0), 0.0)
        new = moved * (one_hot.T @ shrink)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = new + (momentum - 1) / following * (new - weights)
        weights, momentum = new, following
    return weights


def fit_lasso(data: Data, steps: int) -> np.ndarray:
    def predicted(x: np.ndarray, y: np.ndarray, others: np.ndarray) -> Iterator[np.ndarray]:
        return (others @ weights for weights in weights_path(x, y, data.spaces, steps))

    best = held_out_error(data.features, data.responses, group_folds(data.groups, INNER), predicted).argmin(axis=0)
    path = np.stack(list(weights_path(data.features, data.responses, data.spaces, steps)))
    return np.take_along_axis(path, best[None, None, :], axis=0)[0]


def solve(problem: Problem, rng: np.random.Generator, *, steps: int = 30) -> Answer:
    return product_answer(problem, lambda data: fit_lasso(data, steps))
