"""Elimination by counterexamples that overlooks them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.circuit_compilation.experiment import Experiment
from bench.tracks.circuit_compilation.types import Answer, Problem

MUTANT_OF = "counterexample_elimination"
TOUCHES = ("planted/seldom", "planted/rare_copies")
DEFECT = "inputs on which the subnetwork is wrong are drawn, and not looked at"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return Answer(load_plugin(PARENT).shrink(Experiment(problem, rng)))
