"""Split-half correlation with Spearman-Brown.

Repeats are cut into two halves of equal size, as large as all stimuli that have two repeats allow: in every way where
there are no more than 30, else at random (stimulus by stimulus where some are missing). The correlations of the halves'
means are averaged over cuts, and the average is taken to the length of the whole: k r / (1 + (k - 1) r), k the
(harmonic) number of repeats over the size of a half.
"""

from __future__ import annotations

import numpy as np

from bench.neuro.repeats import correlate, halves, mean_response, prophecy
from bench.tracks.ceilings.types import Answer, Problem

REFERENCE = "Spearman (1910), British Journal of Psychology 3:271-295; Brown (1910), ibid. 3:296-322"
NEEDS = ()
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, cuts: int = 30) -> Answer:
    counts = problem.present.sum(axis=0)
    size = int(counts[counts >= 2].min()) // 2
    r = np.mean([between_halves(problem, *cut) for cut in halves(problem.present, size, cuts, rng)], axis=0)
    return Answer(np.minimum(prophecy(r, size * float((1 / counts).mean())), 1.0), None, None)


def between_halves(problem: Problem, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    used = one.any(axis=0)
    first, second = (mean_response(problem.responses[:, used], half[:, used]) for half in (one, other))
    return correlate(first, second)
