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

    def change_of(mlp: int, examples: Tensor) -> Tensor:
        wanted, active = experiment.writing(mlp, examples, 80, 0.05)
        cells = torch.as_tensor(problem.changed)[examples]
        key, changes = active[cells].mean(0), experiment.nothing()
        changes[mlp] = torch.outer(key, wanted[cells].mean(0)) / (key @ key)
        return changes

    return Answer(experiment.change_of_best_mlp(change_of, rng).numpy())
