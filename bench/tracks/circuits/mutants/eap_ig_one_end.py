"""Integrated gradients whose path never leaves the corrupted end."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "eap_ig_inputs"
TOUCHES = ("tracr/sort_unique", "tracr/next_larger", "tracr/follow_addresses")
DEFECT = "integer division leaves every step of the path at the donor's embedding"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    donor = experiment.donors[experiment.graph.sources.index("embed")]
    scores = np.abs(experiment.attribute(donor))
    return Answer(scores, experiment.choose(scores))
