"""Edges by how much their source's output changes: no gradient, no patching, nothing of what reads it."""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer, Problem

ROLE = "floor"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    sizes = torch.as_tensor(experiment.change).flatten(1).norm(dim=1).numpy()
    scores = of_sources(problem, dict(zip(experiment.graph.sources, sizes, strict=True)))
    return Answer(scores, scores > np.median(scores))


def of_sources(problem: Problem, sizes: dict[str, float]) -> np.ndarray:
    return np.array([sizes[edge.split("->")[0]] for edge in problem.edges])
