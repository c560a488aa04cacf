"""Backward elimination that looks at one input."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.circuit_compilation.types import Answer, Problem

MUTANT_OF = "backward_elimination"
TOUCHES = ("planted/gates", "planted/copies")
DEFECT = "outputs are compared on the first input alone, which most parts have nothing to do with"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return load_plugin(PARENT).solve(dataclasses.replace(problem, inputs=problem.inputs[:1]), rng)
