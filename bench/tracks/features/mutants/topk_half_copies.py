"""TopK autoencoder of which every second latent is a copy of the one before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from bench.core.catalogue import load_plugin
from bench.tracks.features.types import Answer, Problem

MUTANT_OF = "topk_autoencoder"
TOUCHES = ("planted_dictionary/complete",)
DEFECT = "half of the latents are copies of the other half, codes shared between them"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    sound = load_plugin(PARENT).solve(problem, rng)
    kept = np.arange(len(sound.directions)) // 2 * 2
    return Answer(
        directions=sound.directions[kept],
        confidence=sound.confidence[kept],
        codes=csr_array(sound.codes.toarray()[:, kept] / 2),
        offset=sound.offset,
    )
