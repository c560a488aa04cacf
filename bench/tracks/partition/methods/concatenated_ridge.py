"""Ridge regression on all spaces together, product measure.

One penalty a target for all features, whatever their space, chosen when whole groups are held out. The share of a
space is its part of the predictions of other held-out groups, as the product measure counts it.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.partition.fitting import fit_ridge, product_answer
from bench.tracks.partition.types import Answer, Problem

REFERENCE = "Hoerl and Kennard (1970), Technometrics 12:55-67; Pratt (1987), Proc. 2nd Tampere Conference in Statistics"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return product_answer(problem, fit_ridge)
