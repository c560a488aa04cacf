"""AtP* without its first correction."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "attribution_patching_star"
TOUCHES = ("tracr/follow_addresses", "tracr/next_larger")
DEFECT = "edges into queries and keys stay linear, although saturated attention has no gradient"
DETERMINISTIC = True

PARENT = Path(__file__).parents[1] / "methods" / "attribution_patching_star.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    found = load_plugin(PARENT).gradients(experiment)
    effects = [experiment.graph.reduce(one.products(experiment.change)).numpy() for one in found]
    scores = np.mean(np.abs(effects), axis=0)
    return Answer(scores, experiment.choose(scores))
