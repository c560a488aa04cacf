"""Activation patching whose hook stays on in the reference run."""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.circuits.experiment import Experiment, weaker_ends
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "node_patching"
TOUCHES = ("tracr/pair_balance", "tracr/rising_fraction", "tracr/sort_unique", "tracr/sort")
DEFECT = "the patching hook fires on both runs, so that patched and reference output are the same"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    sources = experiment.graph.sources
    effects = dict(zip(sources, (effect(experiment, n) for n in range(len(sources))), strict=True))
    scores = weaker_ends(problem.edges, effects)
    return Answer(scores, experiment.choose(scores))


def effect(experiment: Experiment, node: int) -> float:
    mask = torch.zeros(experiment.graph.feeds.shape, dtype=torch.float64)
    mask[:, node] = 1
    patched, reference = (experiment.model.patched(experiment.problem.clean, experiment.donors, mask) for _ in range(2))
    return float(experiment.deviation(experiment.output + (patched - reference)))
