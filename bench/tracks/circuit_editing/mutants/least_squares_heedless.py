"""Least squares over what is to change, and nothing else."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from bench.core.catalogue import load_plugin
from bench.tracks.circuit_editing.experiment import Experiment
from bench.tracks.circuit_editing.types import Answer, Problem

MUTANT_OF = "least_squares"
TOUCHES = ("compiled/exception_crowded",)
DEFECT = "cells that are to stay are left out of the system, so that the change reaches them too"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment, parent = Experiment(problem), load_plugin(PARENT)
    if experiment.nothing_to_do():
        return Answer(experiment.nothing().numpy())
    fitted, held = experiment.halves(rng)
    tried = [_change(experiment, parent, mlp, fitted) for mlp in range(len(problem.mlps))]
    mlp = experiment.best_held_out(tried, held)
    return Answer(_change(experiment, parent, mlp, experiment.everything()).numpy())


def _change(experiment: Experiment, parent: ModuleType, mlp: int, examples: torch.Tensor) -> torch.Tensor:
    wanted = experiment.wanted_writing(mlp, examples, 80, 0.05)
    with torch.no_grad():
        active = experiment.run(experiment.nothing(), examples)[1][mlp]
    cells = torch.as_tensor(experiment.problem.changed)[examples]
    changes = experiment.nothing()
    changes[mlp] = parent.ridge(active[cells], wanted[cells])
    return changes
