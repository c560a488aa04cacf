"""L1 autoencoder whose penalty is the mean over latents."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.features.autoencoders import answer_with, fit, nearest_in_activity
from bench.tracks.features.types import Answer, Problem

MUTANT_OF = "l1_autoencoder"
TOUCHES = ("planted_dictionary/few",)
DEFECT = "the penalty is the mean of a sample's codes, so that it shrinks with the number of latents"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    parent = load_plugin(PARENT)

    class MeanOverLatents(parent.L1Autoencoder):  # type: ignore[name-defined]
        def size(self, codes):
            return codes.mean(2).mean(1)

    trained = fit(problem, rng, MeanOverLatents(penalties=parent.PENALTIES), len(parent.PENALTIES))
    return answer_with(problem, trained, nearest_in_activity)
