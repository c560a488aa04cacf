"""L1 autoencoder whose decoder may have rows of any length."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.features.autoencoders import answer_with, fit, nearest_in_activity
from bench.tracks.features.types import Answer, Problem

MUTANT_OF = "l1_autoencoder"
TOUCHES = ("planted_dictionary/few",)
DEFECT = "rows of the decoder are left free: long rows let codes, and with them the penalty, shrink to nothing"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    parent = load_plugin(PARENT)
    kind = parent.L1Autoencoder(unit_norm=False, penalties=parent.PENALTIES)
    trained = fit(problem, rng, kind, len(parent.PENALTIES))
    return answer_with(problem, trained, nearest_in_activity)
