"""Linear CKA with a p from permutations of single stimuli."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.similarity.panel import averaged, features_of
from bench.tracks.similarity.types import Answer, Problem

MUTANT_OF = "linear_cka"
TOUCHES = ("layer_identification/null_blocks",)
METRIC = "false_claims"
DEFECT = "stimuli are permuted one by one, which destroys the likeness of neighbours that features and noise both have"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator, *, permutations: int = 39) -> Answer:
    compare = load_plugin(PARENT).compare
    features, responses = features_of(problem), averaged(problem)
    scores = compare(features, responses)
    reached = np.ones(len(scores))
    for _ in range(permutations):
        moved = responses[:, rng.permutation(responses.shape[1])]
        reached += compare(features, moved).max(axis=1) >= scores.max(axis=1)
    return Answer(scores, reached / (1 + permutations), None)
