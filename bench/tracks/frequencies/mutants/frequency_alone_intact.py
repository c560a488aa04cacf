"""One frequency alone, with runs that use the embedding as it was."""

from __future__ import annotations

import numpy as np

from bench.tracks.frequencies.experiment import Experiment, answer
from bench.tracks.frequencies.types import Answer, Problem

MUTANT_OF = "frequency_alone"
TOUCHES = ("modular_addition/p17", "modular_addition/p29")
DEFECT = "the changed embedding is made and the intact network is run"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    whole = experiment.margin()
    left = [experiment.margin() for _ in experiment.frequencies]
    return answer(np.array(left) / whole)
