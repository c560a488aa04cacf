"""Joint elimination from many orders, of which the smallest result is taken.

Which of two copies goes first decides where elimination ends. After one run by effect, further runs delete single parts
in random orders while more than half of the budget is left; the result with the fewest parameters counts. Fresh inputs
refute as in elimination by counterexamples.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_compilation.elimination import by_effect, eliminate, eliminate_jointly, until_unrefuted
from bench.tracks.circuit_compilation.experiment import Experiment, Keep
from bench.tracks.circuit_compilation.types import Answer, Problem

REFERENCE = "Hoos and Stuetzle (2004), Stochastic local search, Morgan Kaufmann, section 1.5 (random restarts)"


def solve(problem: Problem, rng: np.random.Generator, *, restarts: int = 6) -> Answer:
    def shrink(experiment: Experiment) -> Keep:
        found = [eliminate_jointly(experiment, experiment.everything(), by_effect(experiment), 3)]
        while len(found) <= restarts and 2 * experiment.budget.left > problem.budget:
            order = experiment.rng.permutation(len(problem.parts))
            found.append(eliminate(experiment, experiment.everything(), order))
        return min(found, key=lambda keep: int(problem.parameters[keep].sum()))

    return Answer(until_unrefuted(Experiment(problem, rng), shrink))
