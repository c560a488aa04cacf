"""Elimination of parts, pairs and threes, guided by counterexamples.

Where no part can go alone, sets of two and then of three of the remaining parts are deleted together, so that parts
whose outputs cancel are found; a set that goes may free others. Fresh inputs refute as in elimination by
counterexamples.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_compilation.elimination import by_effect, eliminate_jointly, until_unrefuted
from bench.tracks.circuit_compilation.experiment import Experiment, Keep
from bench.tracks.circuit_compilation.types import Answer, Problem

REFERENCE = "Solar-Lezama et al. (2006), Combinatorial sketching for finite programs, ASPLOS, section 3"


def solve(problem: Problem, rng: np.random.Generator, *, most: int = 3) -> Answer:
    def shrink(experiment: Experiment) -> Keep:
        return eliminate_jointly(experiment, experiment.everything(), by_effect(experiment), most)

    return Answer(until_unrefuted(Experiment(problem, rng), shrink))
