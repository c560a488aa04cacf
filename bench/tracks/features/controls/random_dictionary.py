"""Directions drawn at random, as many as are allowed, all claimed; codes are the largest projections."""

from __future__ import annotations

import numpy as np

from bench.kernels.pursuit import keep_largest
from bench.tracks.features.dictionary import dictionary_answer, standardised
from bench.tracks.features.types import Answer, Problem

ROLE = "floor"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    _, test, _, _ = standardised(problem)
    directions = rng.standard_normal((problem.latents, test.shape[1]))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    codes = keep_largest(np.maximum(test @ directions.T, 0), round(problem.active))
    return dictionary_answer(problem, directions, codes, sure=np.ones(problem.latents))
