"""A unit of three features in three dimensions on eight activations, small enough to score by hand."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from bench.tracks.features.types import Answer, Problem, Truth

CODES = np.array(
    [[1, 1, 0], [2, 1, 0], [1, 0, 0], [3, 0, 0], [0, 0, 1], [0, 0, 2], [0, 0, 0], [1, 0, 1]], np.float32
)  # the second feature is a child of the first
OFFSET = np.array([5, 5, 5], np.float32)


def problem(latents: int = 4) -> Problem:
    test = CODES @ np.eye(3, dtype=np.float32) + OFFSET
    return Problem(activations=test, test=test, latents=latents, active=1.0, budget=8)


def truth(null: bool = False) -> Truth:
    features = 0 if null else 3
    return Truth(
        null=null,
        directions=np.eye(3, dtype=np.float32)[:features],
        codes=CODES[:, :features],
        parents=np.array([-1, 0, -1])[:features],
        offset=OFFSET,
        noise=0.0,
    )


def answer(directions=None, codes=None, confidence=None, parents=(-1, 0, -1)) -> Answer:
    """The truth, unless something is named."""
    directions = np.eye(3) if directions is None else np.asarray(directions)
    return Answer(
        directions=directions.astype(np.float32),
        confidence=np.asarray(np.ones(len(directions)) if confidence is None else confidence, np.float32),
        codes=csr_array(np.asarray(CODES if codes is None else codes, np.float32)),
        offset=OFFSET,
        parents=None if parents is None else np.asarray(parents),
    )
