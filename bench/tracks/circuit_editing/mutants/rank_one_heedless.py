"""One association rewritten along its key alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bench.tracks.circuit_editing.experiment import Experiment
from bench.tracks.circuit_editing.types import Answer, Problem

MUTANT_OF = "rank_one"
TOUCHES = ("compiled/exception_crowded",)
DEFECT = "the second moments of what is to stay are taken for the identity, so that the change reaches units in common"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    if experiment.nothing_to_do():
        return Answer(experiment.nothing().numpy())
    fitted, held = experiment.halves(rng)
    tried = [_change(experiment, mlp, fitted) for mlp in range(len(problem.mlps))]
    mlp = experiment.best_held_out(tried, held)
    return Answer(_change(experiment, mlp, experiment.everything()).numpy())


def _change(experiment: Experiment, mlp: int, examples: Tensor) -> Tensor:
    wanted = experiment.wanted_writing(mlp, examples, 80, 0.05)
    with torch.no_grad():
        active = experiment.run(experiment.nothing(), examples)[1][mlp]
    cells = torch.as_tensor(experiment.problem.changed)[examples]
    key, changes = active[cells].mean(0), experiment.nothing()
    changes[mlp] = torch.outer(key, wanted[cells].mean(0)) / (key @ key)
    return changes
