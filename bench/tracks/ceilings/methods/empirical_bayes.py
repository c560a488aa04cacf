"""Empirical Bayes: all targets tell what reliabilities there are.

Each target's F = 1 / (1 - rho^) has a known density given its rho (that of F / (1 - rho), for balanced Gaussian
repeats). The distribution of rho over targets is the one of maximum likelihood on a grid (Kiefer and Wolfowitz, by EM);
the answer is each target's posterior mean, the interval the central 95 % of its posterior.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from bench.neuro.repeats import mean_squares
from bench.tracks.ceilings.types import LEVEL, Answer, Problem

REFERENCE = "Kiefer and Wolfowitz (1956), Annals of Mathematical Statistics 27:887-906"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True

GRID = np.concatenate([[0.0], np.linspace(0.005, 0.995, 100)])


def solve(problem: Problem, rng: np.random.Generator, *, steps: int = 200) -> Answer:
    found = mean_squares(problem.responses, problem.present, centred=True)
    likelihood = density(1 / (1 - found.reliability), found.between, found.within)
    prior = np.full(len(GRID), 1 / len(GRID))
    for _ in range(steps):
        posterior = likelihood * prior
        posterior /= posterior.sum(axis=1, keepdims=True)
        prior = posterior.mean(axis=0)
    total = np.cumsum(posterior, axis=1)
    low, high = (GRID[np.argmax(total >= share - 1e-12, axis=1)] for share in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Answer(posterior @ GRID, low, high)


def density(ratio: np.ndarray, between: float, within: float) -> np.ndarray:
    """Of F / (1 - rho) with F of these degrees of freedom, at `ratio`, for each rho of the grid, up to a factor of the
    target: in logarithms first, since small reliabilities make large ratios unlikely beyond the range of floats."""
    scaled = ratio[:, None] * (1 - GRID)
    log = np.log1p(-GRID) + special.xlogy(between / 2 - 1, scaled)
    log -= (between + within) / 2 * np.log1p(between / within * scaled)
    return np.exp(log - log.max(axis=1, keepdims=True))
