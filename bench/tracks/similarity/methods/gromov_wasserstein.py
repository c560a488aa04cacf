"""Gromov-Wasserstein distance between geometries.

How well one set of distances between stimuli can be laid onto the other when nobody says which stimulus is which. The
correspondence that is known is not used, so that another order of the stimuli changes nothing and there is no p.
Distances are divided by their mean.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.similarity_cka import squared_distances
from bench.kernels.similarity_matching import gromov_wasserstein
from bench.tracks.similarity.panel import averaged, features_of
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Memoli (2011), Gromov-Wasserstein distances, Foundations of Computational Mathematics 11:417-487"
INVARIANT_TO = ("permutation", "rotation", "scale", "translation")
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    features = [distances(one) for one in features_of(problem)]
    regions = [distances(one) for one in averaged(problem)]
    return Answer(np.array([[-gromov_wasserstein(one, other) for other in features] for one in regions]), None, None)


def distances(activations: np.ndarray) -> np.ndarray:
    found = np.sqrt(squared_distances(activations))
    return found / found.mean()
