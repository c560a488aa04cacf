"""Pruning with one threshold for every model and unit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "acdc"
TOUCHES = ("planted/all_of_four", "planted/negative_head", "planted/any_of_two")
DEFECT = "the threshold is a constant of 0.5 in whatever unit the metric has, not a share of its scale"
METRIC = "circuit_f1"
DETERMINISTIC = True

THRESHOLD = 0.5
PARENT = Path(__file__).parents[1] / "methods" / "acdc.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    kept, scores = load_plugin(PARENT).prune(Experiment(problem), THRESHOLD)
    return Answer(scores, kept)
