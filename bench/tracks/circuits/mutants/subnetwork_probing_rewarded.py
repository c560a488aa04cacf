"""Subnetwork probing whose penalty has the wrong sign."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "subnetwork_probing"
TOUCHES = ("planted/all_of_four", "planted/negative_head", "planted/any_of_two")
DEFECT = "the expected number of edges is taken off the loss, so that keeping an edge pays"
NEEDS = ("gradients",)

PARENT = Path(__file__).parents[1] / "methods" / "subnetwork_probing.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    parent = load_plugin(PARENT)
    return parent.solve(problem, rng, price=-parent.PRICE)
