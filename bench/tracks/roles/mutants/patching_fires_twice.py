"""Activation patching whose hook fires on both runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.roles.types import Answer, Problem

MUTANT_OF = "activation_patching"
TOUCHES = ("induction/two_heads", "induction/four_heads", "induction/fixed_successors")
DEFECT = "donors are gathered with the patch in place, so that every head is replaced by its own output"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return load_plugin(PARENT).solve(dataclasses.replace(problem, altered=problem.tokens), rng)
