"""Path patching that never goes back to the receivers it found."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "path_patching"
TOUCHES = ("tracr/next_larger", "tracr/follow_addresses", "tracr/palindrome")
DEFECT = "only paths straight to the output are tested, so that what acts through another node counts for nothing"
DETERMINISTIC = True

PARENT = Path(__file__).parents[1] / "methods" / "path_patching.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    parent, experiment = load_plugin(PARENT), Experiment(problem)
    first, edges = next(parent.turns(experiment))
    masks = experiment.graph.patch_matrix(edges[:, None] == np.arange(len(problem.edges))) > 0
    scores = np.zeros(len(problem.edges))
    scores[edges] = parent.effects(experiment, masks, np.zeros(experiment.graph.feeds.shape, bool), first)
    return Answer(scores, experiment.choose(scores))
