"""Linear CKA with a p from rotations of the stimulus order across runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.similarity.panel import averaged, features_of
from bench.tracks.similarity.types import Answer, Problem

MUTANT_OF = "linear_cka"
TOUCHES = ("architecture_identification/null_blocks",)
METRIC = "false_claims"
DEFECT = "rotations move the bounds of runs, at which slow features and slow noise start anew together"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator, *, rotations: int = 39) -> Answer:
    compare = load_plugin(PARENT).compare
    features, responses = features_of(problem), averaged(problem)
    scores = compare(features, responses)
    reached = np.ones(len(scores))
    for lag in 1 + rng.permutation(len(problem.features) - 1)[:rotations]:
        reached += compare(features, np.roll(responses, lag, axis=1)).max(axis=1) >= scores.max(axis=1)
    return Answer(scores, reached / (1 + rotations), None)
