"""Each repeat against the mean of the others, taken to the mean of all.

The mean correlation of a repeat with the mean of the others is sqrt(rho_1 rho_m), m the others' (harmonic) number; with
s the variance ratio of one repeat, r^2 = s / (s + 1) s / (s + 1/m) is solved for s, and rho = s / (s + mean(1/R_i)).
A negative correlation gives the negative of what its size would give.
"""

from __future__ import annotations

import numpy as np

from bench.neuro.repeats import correlate, mean_response
from bench.tracks.ceilings.types import Answer, Problem

REFERENCE = "Nili et al. (2014), PLoS Computational Biology 10:e1003553 (lower bound of the noise ceiling)"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    r, others = left_out(problem)
    snr = ratio(np.minimum(np.abs(r), 1 - 1e-9), others)
    share = float((1 / problem.present.sum(axis=0)).mean())
    return Answer(np.sign(r) * snr / (snr + share), None, None)


def ratio(r: np.ndarray, others: float) -> np.ndarray:
    """The positive root s of (1 - r^2) s^2 - r^2 (1 + 1/m) s - r^2 / m = 0."""
    square = r**2
    half = square * (1 + 1 / others) / (2 * (1 - square))
    return half + np.sqrt(half**2 + square / (others * (1 - square)))


def left_out(problem: Problem) -> tuple[np.ndarray, float]:
    """Mean correlation over repeats, and the harmonic number of the others; stimuli with a single repeat are left out.
    Others count as much as repeats: each of them has its own mean taken out first."""
    total, weight, shares = np.zeros(problem.responses.shape[2]), 0, 0.0
    for repeat in range(len(problem.present)):
        rest = problem.present & (np.arange(len(problem.present)) != repeat)[:, None]
        used = problem.present[repeat] & rest.any(axis=0)
        if used.sum() > 2:
            mean = mean_response(problem.responses[:, used], rest[:, used])
            total += used.sum() * correlate(problem.responses[repeat, used], mean)
            shares += float((1 / rest[:, used].sum(axis=0)).sum())
            weight += int(used.sum())
    return total / weight, weight / shares
