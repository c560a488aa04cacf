"""Banded ridge regression, product measure: a penalty of its own for every space.

Weights of the spaces are a fixed grid (equal, one leading by 20 or 500, one behind by 20), relative to their numbers of
features; each target takes the weights and the penalty of least squared error when whole groups are held out. The share
of a space is its part of the predictions of other held-out groups, as the product measure counts it.

Departs from the paper in a grid of weights instead of random search.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.partition.fitting import Data, fit_weighted, product_answer
from bench.tracks.partition.types import Answer, Problem

REFERENCE = "Dupre la Tour et al. (2022), NeuroImage 264:119728, doi:10.1016/j.neuroimage.2022.119728"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True
BEHIND = (0.05, 0.002)


def choices(spaces: int) -> np.ndarray:
    """Weights of the spaces: equal, and with one leading or one behind."""
    leading = [np.where(np.eye(spaces, dtype=bool), 1.0, behind) for behind in BEHIND]
    lagging = np.where(np.eye(spaces, dtype=bool), BEHIND[0], 1.0)
    return np.concatenate([np.ones((1, spaces)), *leading, lagging])


def fit(data: Data) -> np.ndarray:
    sizes = np.bincount(data.spaces)
    return fit_weighted(data, choices(data.count) * sizes.mean() / sizes)


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return product_answer(problem, fit)
