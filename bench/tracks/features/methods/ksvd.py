"""K-SVD: atoms fitted one by one to what the others leave, with codes by orthogonal matching pursuit.

Each activation is a sum of at most k atoms, with k the number of active latents that is asked for, to the nearest whole
number and at least 1; codes may have either sign.
Departs from the paper in that atoms that are near copies are not thrown out.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.ksvd import ksvd
from bench.kernels.pursuit import orthogonal_matching_pursuit
from bench.tracks.features.dictionary import dictionary_answer, standardised
from bench.tracks.features.types import Answer, Problem

REFERENCE = (
    "Aharon, Elad and Bruckstein (2006), K-SVD: an algorithm for designing overcomplete dictionaries for sparse"
    " representation, IEEE Transactions on Signal Processing 54:4311-4322"
)
INVARIANT_TO = ("scale",)

MOST_SAMPLES = 5000  # the first training activations
TOLERANCE = 1e-4  # share of an activation's square length that may be left unexplained


def solve(problem: Problem, rng: np.random.Generator, *, rounds: int = 15) -> Answer:
    values, test, _, _ = standardised(problem)
    active = max(round(problem.active), 1)
    atoms = ksvd(values[:MOST_SAMPLES], problem.latents, active, rng, rounds=rounds, tolerance=TOLERANCE)
    return dictionary_answer(problem, atoms, orthogonal_matching_pursuit(test, atoms, active, TOLERANCE))
