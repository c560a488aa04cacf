"""Commonality: what a space explains alone and others explain as well.

Held-out R^2 of ridge regressions on every subset of spaces; the common share of a space is its R^2 alone less its
unique share. Negative under suppression, where a space explains more beside others than alone.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.shares import common_shares
from bench.tracks.partition.fitting import explained_by_subsets, fit_ridge, predict
from bench.tracks.partition.types import Answer, Problem

REFERENCE = "Nimon and Reio (2011), Human Resource Development Review 10:329-340, doi:10.1177/1534484311411077"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return Answer(common_shares(explained_by_subsets(problem)), "common", predict(problem, fit_ridge))
