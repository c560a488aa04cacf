"""Attribution at both ends with the change taken along the path of each run."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "clean_corrupted"
TOUCHES = ("tracr/palindrome", "tracr/polynomial", "tracr/next_larger", "tracr/follow_addresses")
DEFECT = "each run's change points to the other run, so that the two effects are subtracted"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    clean, corrupted = (
        experiment.model.slot_gradients(tokens, experiment.metric) for tokens in (problem.clean, problem.corrupted)
    )
    effects = clean.products(experiment.change) + corrupted.products(-experiment.change)
    scores = np.abs(experiment.graph.reduce(effects).numpy()) / 2
    return Answer(scores, experiment.choose(scores))
