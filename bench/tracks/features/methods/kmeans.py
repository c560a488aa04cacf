"""k-means: the centres of clusters as directions, one of them active a sample.

Lloyd's algorithm from k-means++ centres, by scikit-learn, on the centred activations; a sample's code is its projection
on its own centre's direction. What a dictionary must beat that knows clusters but no sums.
"""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

from bench.tracks.features.dictionary import dictionary_answer, standardised
from bench.tracks.features.types import Answer, Problem

REFERENCE = (
    "Lloyd (1982), Least squares quantization in PCM, IEEE Transactions on Information Theory 28:129-137; scikit-learn"
)
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, rounds: int = 50) -> Answer:
    values, test, _, _ = standardised(problem)
    fit = KMeans(problem.latents, n_init=1, max_iter=rounds, random_state=int(rng.integers(2**31))).fit(values)
    centres = fit.cluster_centers_
    length = np.linalg.norm(centres, axis=1, keepdims=True)
    directions = centres / np.where(length > 0, length, 1.0)
    own = fit.predict(test)[:, None] == np.arange(len(centres))
    return dictionary_answer(problem, directions, own * (test @ directions.T))
