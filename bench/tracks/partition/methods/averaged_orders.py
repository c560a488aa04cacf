"""LMG: what a space adds, averaged over the orders in which spaces can enter.

Held-out R^2 of ridge regressions on every subset of spaces; the share is Shapley's value of the space. Shares sum to
the R^2 of all spaces, and correlated spaces divide what they explain alike.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.shares import lmg_shares
from bench.tracks.partition.fitting import explained_by_subsets, fit_ridge, predict
from bench.tracks.partition.types import Answer, Problem

REFERENCE = "Lindeman, Merenda and Gold (1980), Introduction to Bivariate and Multivariate Analysis; Groemping (2007)"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return Answer(lmg_shares(explained_by_subsets(problem)), "lmg", predict(problem, fit_ridge))
