"""Cross-validated ridge from features to responses.

Held-out correlation of predicted with measured responses, mean over sites; whole runs are held out. The penalty is the
one of six with the best held-out correlation in the region, chosen anew under every order of the runs, so that p
allows for it.
Departs from usual practice in not nesting this choice: six penalties raise all candidates alike.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.regression import group_folds
from bench.kernels.similarity_prediction import fold_correlation, held_out_maps
from bench.tracks.similarity.panel import features_of, judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = (
    "Hoerl and Kennard (1970), Technometrics 12:55-67; Schrimpf et al. (2018), Brain-Score (encoding of regions)"
)
INVARIANT_TO = ("permutation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 19) -> Answer:
    folds = group_folds(problem.runs)
    maps = [held_out_maps(one, folds) for one in features_of(problem)]
    return judge(problem, rng, lambda _, responses: compare(maps, responses, folds), orders)


def compare(maps: list[np.ndarray], responses: np.ndarray, folds: list[np.ndarray]) -> np.ndarray:
    regions, stimuli, sites = responses.shape
    together = np.swapaxes(responses, 0, 1).reshape(stimuli, regions * sites)
    found = [fold_correlation(one @ together, together, folds).reshape(-1, regions, sites) for one in maps]
    return np.stack([r.mean(axis=2).max(axis=0) for r in found], axis=1)
