"""Taylor pruning that goes by the norm of weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.models.checkpoint import load_arrays
from bench.tracks.circuit_compilation.experiment import Experiment
from bench.tracks.circuit_compilation.network import place_of_part
from bench.tracks.circuit_compilation.types import Answer, Problem

MUTANT_OF = "taylor_pruning"
TOUCHES = ("planted/gates", "planted/cancelling_heads")
DEFECT = "parts are ranked by the norm of what they write through, which decoys match"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    weights = load_arrays(problem.model.path)[1]
    places = [place_of_part(part) for part in problem.parts]
    norms = np.array([np.linalg.norm(weights[name][row]) for name, row in places])
    return Answer(load_plugin(PARENT).largest_cut(Experiment(problem, rng), np.argsort(norms)))
