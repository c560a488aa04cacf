"""Split-half correlation with Spearman-Brown of every cut, averaged after."""

from __future__ import annotations

import numpy as np

from bench.neuro.repeats import correlate, halves, mean_response, prophecy
from bench.tracks.ceilings.types import Answer, Problem

MUTANT_OF = "split_half"
TOUCHES = ("planted/buried",)
DEFECT = "the prophecy is concave, so that its mean over scattered correlations lies below that of their mean"


def solve(problem: Problem, rng: np.random.Generator, *, cuts: int = 30) -> Answer:
    counts = problem.present.sum(axis=0)
    size = int(counts[counts >= 2].min()) // 2
    share = size * float((1 / counts).mean())
    found = [prophecy(between_halves(problem, *cut), share) for cut in halves(problem.present, size, cuts, rng)]
    return Answer(np.minimum(np.mean(found, axis=0), 1.0), None, None)


def between_halves(problem: Problem, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    used = one.any(axis=0)
    first, second = (mean_response(problem.responses[:, used], half[:, used]) for half in (one, other))
    return correlate(first, second)
