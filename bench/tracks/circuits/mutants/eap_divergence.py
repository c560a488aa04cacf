"""Edge attribution patching of the distance to the clean output."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "eap"
TOUCHES = ("tracr/pair_balance", "tracr/rising_fraction", "tracr/sort_unique", "tracr/sort")
DEFECT = "the metric is a divergence from the clean output, whose gradient vanishes at the clean run"
REFERENCE = "the vanishing gradient of a KL divergence at the clean run, as in Gupta et al. (2024)"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(replace(problem, metric="mse_to_clean"))
    scores = np.abs(experiment.attribute())
    return Answer(scores, experiment.choose(scores))
