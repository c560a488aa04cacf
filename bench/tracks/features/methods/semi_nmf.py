"""Semi-non-negative matrix factorisation: directions of any sign with codes that are not negative.

Minimises |X - G F|^2 over G >= 0 by alternating least squares for F and multiplicative steps for G. Codes of the test
activations are the exact non-negative least squares on the directions found. Plain non-negative factorisation, whose
directions must be positive too, does not apply to activations of both signs.
Departs from the paper in that codes start at random instead of at clusters.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from bench.kernels.semi_nmf import semi_nmf
from bench.tracks.features.dictionary import dictionary_answer, standardised
from bench.tracks.features.types import Answer, Problem

REFERENCE = (
    "Ding, Li and Jordan (2010), Convex and semi-nonnegative matrix factorizations, IEEE Transactions on"
    " Pattern Analysis and Machine Intelligence 32:45-55"
)
INVARIANT_TO = ("scale",)

MOST_SAMPLES = 4000  # the first training activations; more change little and cost in proportion


def solve(problem: Problem, rng: np.random.Generator, *, rounds: int = 150) -> Answer:
    values, test, _, _ = standardised(problem)
    values = values[:MOST_SAMPLES]
    directions, _ = semi_nmf(values, rng.random((len(values), problem.latents)) + 0.1, rounds)
    length = np.linalg.norm(directions, axis=1, keepdims=True)
    directions = directions / np.where(length > 0, length, 1.0)
    codes = np.array([nnls(directions.T, one)[0] for one in test])
    return dictionary_answer(problem, directions, codes)
