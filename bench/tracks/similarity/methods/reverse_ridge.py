"""Cross-validated ridge from responses to features.

Held-out correlation of predicted with true features, mean over units that vary; whole runs are held out. Penalties as
in ridge from features to responses, chosen for each candidate.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.regression import group_folds
from bench.kernels.similarity_prediction import fold_correlation, held_out_maps
from bench.tracks.similarity.panel import averaged, judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = (
    "Soni et al. (2024), Conclusions about neural network to brain alignment are profoundly impacted by the similarity"
    " measure, bioRxiv 2024.08.07.607035 (regression in both directions)"
)
INVARIANT_TO = ("permutation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 19) -> Answer:
    folds = group_folds(problem.runs)
    maps = [held_out_maps(region, folds) for region in averaged(problem)]
    return judge(problem, rng, lambda features, _: compare(features, maps, folds), orders, moved="features")


def compare(features: list[np.ndarray], maps: list[np.ndarray], folds: list[np.ndarray]) -> np.ndarray:
    together = np.concatenate(features, axis=1)
    ends = np.cumsum([one.shape[1] for one in features])[:-1]
    varies = np.split(together.std(axis=0) > 0, ends)
    found = []
    for one in maps:
        r = np.split(fold_correlation(one @ together, together, folds), ends, axis=1)
        found.append([some[:, alive].mean(axis=1).max() for some, alive in zip(r, varies, strict=True)])
    return np.array(found)
