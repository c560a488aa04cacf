"""Integrated gradients over activations whose path never leaves the donor's end."""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "eap_ig_activations"
TOUCHES = ("tracr/sort_unique", "tracr/next_larger", "tracr/follow_addresses")
DEFECT = "integer division leaves every step of each node's path at the donor's output"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    products = torch.zeros(experiment.graph.feeds.shape, dtype=torch.float64)
    for source in range(len(experiment.graph.sources)):
        change = experiment.change[source].expand(experiment.nodes.shape[1:])
        found = experiment.model.slot_gradients(problem.clean, experiment.metric, added={source: change})
        products[:, source] = torch.einsum("sbpd,bpd->s", found.gradients, change)
    scores = np.abs(experiment.graph.reduce(products).numpy())
    return Answer(scores, experiment.choose(scores))
