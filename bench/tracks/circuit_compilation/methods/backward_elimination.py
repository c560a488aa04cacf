"""Backward elimination on the inputs given.

Parts are deleted one after another, the one whose deletion moves the output least first, wherever the outputs on the
given inputs stay equal to the network's; sweeps are repeated until no part can go alone. What the sample does not show
is lost, and parts that can only go together stay.
Departs from the paper in asking for equal outputs instead of a performance lost step by step.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_compilation.elimination import by_effect, eliminate
from bench.tracks.circuit_compilation.experiment import Experiment
from bench.tracks.circuit_compilation.types import Answer, Problem

REFERENCE = "Guyon et al. (2002), Gene selection for cancer classification, Machine Learning 46:389-422, section 3"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem, rng)
    return Answer(eliminate(experiment, experiment.everything(), by_effect(experiment)))
