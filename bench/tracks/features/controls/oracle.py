"""The planted directions, with the planted codes."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from bench.tracks.features.types import Answer, Problem, Truth

ROLE = "ceiling"
READS_TRUTH = True
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, truth: Truth) -> Answer:
    """The most frequent features, where there may be fewer latents than features."""
    kept = np.sort(np.argsort(-(truth.codes > 0).mean(axis=0), kind="stable")[: problem.latents])
    place = np.full(len(truth.parents) + 1, -1)
    place[kept] = np.arange(len(kept))  # a parent that is left out, like no parent, is at -1
    return Answer(
        directions=truth.directions[kept],
        confidence=np.ones(len(kept), np.float32),
        codes=csr_array(truth.codes[:, kept]),
        offset=truth.offset,
        parents=place[truth.parents[kept]],
    )
