"""Backward elimination guided by counterexamples.

Elimination on the known inputs, then a search among fresh inputs for one on which the subnetwork differs; each that is
found joins the known inputs and elimination starts anew, until the budget for the search is spent.
Departs from the paper in searching by uniform draws instead of a solver.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_compilation.elimination import by_effect, eliminate, until_unrefuted
from bench.tracks.circuit_compilation.experiment import Experiment, Keep
from bench.tracks.circuit_compilation.types import Answer, Problem

REFERENCE = "Solar-Lezama et al. (2006), Combinatorial sketching for finite programs, ASPLOS, section 3"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return Answer(until_unrefuted(Experiment(problem, rng), shrink))


def shrink(experiment: Experiment) -> Keep:
    return eliminate(experiment, experiment.everything(), by_effect(experiment))
