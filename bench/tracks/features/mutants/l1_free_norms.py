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
PENALTIES = (0.03, 0.1, 0.2, 0.35, 0.6)
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    kind = load_plugin(PARENT).L1Autoencoder(unit_norm=False, penalties=PENALTIES)
    trained = fit(problem, rng, kind, len(PENALTIES), 0.005)
    return answer_with(problem, trained, nearest_in_activity)
