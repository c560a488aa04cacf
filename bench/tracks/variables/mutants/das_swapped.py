"""DAS that runs the source input and takes the base's value, with the labels as they are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.variables.types import Answer, Problem

MUTANT_OF = "distributed_alignment_search"
TOUCHES = ("planted/orthogonal", "compiled/chain_pair_stream")
DEFECT = "base and source are exchanged: what is trained is the complement, which brings all else along"
NEEDS = ("gradients",)
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    swapped = dataclasses.replace(
        problem, base=problem.source, source=problem.base,
        base_values=problem.source_values, source_values=problem.base_values,
    )  # fmt: skip
    return load_plugin(PARENT).solve(swapped, rng)
