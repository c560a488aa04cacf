"""Interchange matching with donors drawn anew for every network."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.circuit_comparison.experiment import Experiment
from bench.tracks.circuit_comparison.types import Answer, Problem

MUTANT_OF = "interchange_matching"
TOUCHES = ("compiled/sums_three", "compiled/maximum")
DEFECT = "each network is given pairs of strings of its own, so that effects of like nodes differ"
PARENT = load_plugin(Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py")


def solve(problem: Problem, rng: np.random.Generator, *, pairs: int = 64) -> Answer:
    experiment = Experiment(problem)
    base, found = experiment.draw(experiment.affordable(pairs), rng), []
    for network in range(len(problem.start)):
        found.append(PARENT.distinct(experiment.interchange(network, base, rng.permutation(base))))
    scores = np.array([PARENT.matched(found[0], other) for other in found[1:]])
    return Answer(scores, scores == 1.0)
