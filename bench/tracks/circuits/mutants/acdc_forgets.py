"""Pruning whose removals are lost when the hooks are reset."""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.circuits.experiment import SHARE, Experiment
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "acdc"
TOUCHES = ("tracr/pair_balance", "tracr/rising_fraction", "tracr/sort_unique", "tracr/sort")
DEFECT = "hooks are reset before every test, so that the ablated run is the intact one and every edge looks useless"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    intact = torch.zeros(experiment.graph.feeds.shape, dtype=torch.float64)
    rise = experiment.deviation(experiment.model.patched(problem.clean, experiment.donors, intact))
    scores = np.full(len(problem.edges), float(rise))
    return Answer(scores, scores >= SHARE * experiment.scale)
