"""Attribution patching that looks at the answered position alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.roles.types import Answer, Problem

MUTANT_OF = "attribution_patching"
TOUCHES = ("induction/two_heads", "induction/four_heads", "induction/fixed_successors")
DEFECT = "derivative and change are taken where the answer is given, and early heads act elsewhere"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return load_plugin(PARENT).solve(dataclasses.replace(problem, at=problem.answered), rng)
