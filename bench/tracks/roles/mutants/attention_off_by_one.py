"""Attention patterns looked up one position too early."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.roles.types import Answer, Problem

MUTANT_OF = "attention_pattern"
TOUCHES = ("induction/two_heads", "induction/four_heads", "induction/fixed_successors")
DEFECT = "attention is read at the position before the source, which for induction is the earlier copy itself"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    early = dataclasses.replace(problem, source=np.maximum(problem.source - 1, 0))
    return load_plugin(PARENT).solve(early, rng)
