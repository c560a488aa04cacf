"""DAS that takes its best site for the variable's place, however little the interchange there does."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.variables.types import Answer, Problem

MUTANT_OF = "distributed_alignment_search"
TOUCHES = ("planted/sum_null", "compiled/chain_null")
METRIC = "false_discovery"
DEFECT = "the answer is never that the variable is not there"
NEEDS = ("gradients",)
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return dataclasses.replace(load_plugin(PARENT).solve(problem, rng), found=True)
