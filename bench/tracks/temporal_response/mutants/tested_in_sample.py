"""Ridge temporal response function tested on the groups that it was fitted to."""

from __future__ import annotations

import numpy as np

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.tracks.temporal_response.estimation import response_p
from bench.tracks.temporal_response.types import Answer, Problem

MUTANT_OF = "ridge_trf"
TOUCHES = ("electric/null_trials",)
METRIC = "false_response_rate"
DEFECT = "kernels know the noise of the groups that test them, so that their own pairing wins without any response"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    parent = load_plugin(ROOT / "bench" / "tracks" / "temporal_response" / "methods" / f"{MUTANT_OF}.py")
    kernels = parent.fit(problem)
    return Answer(kernels, response_p(problem, lambda some: kernels, rng))
