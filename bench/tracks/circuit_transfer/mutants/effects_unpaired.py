"""Effect signatures of strings that are not paired."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.circuit_transfer.types import Answer, Problem

MUTANT_OF = "effect_signature"
TOUCHES = ("compiled/addresses", "compiled/rising")
DEFECT = "model B reads the strings in another order than model A, so that signatures of other strings are compared"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    shuffled = dataclasses.replace(problem, inputs_b=problem.inputs_b[rng.permutation(len(problem.inputs_b))])
    return load_plugin(PARENT).solve(shuffled, rng)
