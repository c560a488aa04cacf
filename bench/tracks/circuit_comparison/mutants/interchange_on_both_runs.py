"""Interchange matching whose hook fires on both runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.circuit_comparison.experiment import Experiment
from bench.tracks.circuit_comparison.types import Answer, Problem

MUTANT_OF = "interchange_matching"
TOUCHES = ("compiled/sums_three", "compiled/maximum")
DEFECT = "the clean run is patched too, so that no interchange changes anything"
PARENT = load_plugin(Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py")


def solve(problem: Problem, rng: np.random.Generator, *, pairs: int = 64) -> Answer:
    experiment = Experiment(problem)
    base = experiment.draw(experiment.affordable(pairs), rng)
    source = rng.permutation(base)
    found = []
    for network in range(len(problem.start)):
        patched = experiment.interchange(network, base, source)
        found.append(PARENT.distinct(patched - patched))
    scores = np.array([PARENT.matched(found[0], other) for other in found[1:]])
    return Answer(scores, scores == 1.0)
