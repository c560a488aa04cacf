"""Edge attribution patching ranked by signed score."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "eap"
TOUCHES = ("tracr/pair_balance", "tracr/rising_fraction", "tracr/sort_unique", "tracr/sort")
DEFECT = "scores keep their sign, so that the edges which lower the metric most are ranked last"
REFERENCE = "thresholds on signed attribution scores, as in the evaluation of Gupta et al. (2024)"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    scores = experiment.attribute()
    return Answer(scores, experiment.choose(scores))
