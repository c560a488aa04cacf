"""Edge attribution patching that takes magnitudes coordinate by coordinate."""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "eap"
TOUCHES = ("random_rasp/twin",)
METRIC = "equivariance"
DEFECT = (
    "magnitudes are taken of each residual coordinate before the sum, so that scores depend on the axes of the model"
)
REFERENCE = "the residual stream has no privileged basis: Elhage et al. (2021), A mathematical framework"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    gradients = experiment.model.slot_gradients(problem.clean, experiment.metric).gradients
    change = experiment.change.expand(-1, *gradients.shape[1:])
    products = torch.stack([(gradients * one).sum((1, 2)).abs().sum(-1) for one in change], dim=1)
    scores = experiment.graph.reduce(products).numpy()
    return Answer(scores, experiment.choose(scores))
