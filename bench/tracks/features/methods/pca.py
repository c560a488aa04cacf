"""Principal components: the orthogonal directions along which activations vary most.

As many as there are dimensions or allowed latents; codes are projections, so that every latent is active on every
sample. Where there are more features than dimensions, components are mixtures of them.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.features.dictionary import dictionary_answer, standardised
from bench.tracks.features.types import Answer, Problem

REFERENCE = "Pearson (1901), On lines and planes of closest fit to systems of points in space, Philosophical Magazine"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    values, test, _, _ = standardised(problem)
    directions = np.linalg.svd(values, full_matrices=False)[2][: problem.latents]
    return dictionary_answer(problem, directions, test @ directions.T)
