"""Least squares in the MLP with the largest matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.models.checkpoint import load_arrays
from bench.tracks.circuit_editing.edit import written_by
from bench.tracks.circuit_editing.experiment import Experiment
from bench.tracks.circuit_editing.types import Answer, Problem

MUTANT_OF = "least_squares"
TOUCHES = ("compiled/labelled", "compiled/labelled_few")
DEFECT = "the MLP is chosen by the norm of its matrix, which is largest where many units are, or in a decoy"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    if experiment.nothing_to_do():
        return Answer(experiment.nothing().numpy())
    weights = load_arrays(problem.model.path)[1]
    mlp = int(np.argmax([np.linalg.norm(weights[written_by(name)]) for name in problem.mlps]))
    return Answer(load_plugin(PARENT).change_of(experiment, mlp, experiment.everything(), 80, 0.05).numpy())
