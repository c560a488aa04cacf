"""Contextual decomposition whose relevant part is the source's whole output."""

from __future__ import annotations

import numpy as np
import torch

from bench.models.decomposition import decompose_edges
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "contextual_decomposition"
TOUCHES = ("tracr/pair_balance", "tracr/rising_fraction")
DEFECT = "the relevant part is not taken relative to the donor, so that what is the same in both runs counts"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    experiment.afford(2 * len(problem.edges) + 5, "a decomposition for every edge")
    edges = torch.arange(len(problem.edges)).split(16)
    scores = np.concatenate([scored(experiment, few.numpy()) for few in edges])
    return Answer(scores, experiment.choose(scores))


def scored(experiment: Experiment, edges: np.ndarray) -> np.ndarray:
    masks = torch.as_tensor(experiment.graph.patch_matrix(np.eye(len(experiment.graph.edges))[edges]))
    relevant = decompose_edges(experiment.model, experiment.nodes, experiment.nodes, masks)
    return experiment.deviation(experiment.output - relevant).numpy()
