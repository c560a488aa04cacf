"""Least squares over what is to change, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.core.catalogue import load_plugin
from bench.tracks.circuit_editing.experiment import Experiment
from bench.tracks.circuit_editing.types import Answer, Problem

MUTANT_OF = "least_squares"
TOUCHES = ("compiled/exception_crowded",)
DEFECT = "cells that are to stay are left out of the system, so that the change reaches them too"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment, parent = Experiment(problem), load_plugin(PARENT)

    def change_of(mlp: int, examples: Tensor) -> Tensor:
        wanted, active = experiment.writing(mlp, examples, 80, 0.05)
        cells, changes = torch.as_tensor(problem.changed)[examples], experiment.nothing()
        changes[mlp] = parent.ridge(active[cells], wanted[cells])
        return changes

    return Answer(experiment.change_of_best_mlp(change_of, rng).numpy())
