"""Alignment of kernels that are not centred."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_transfer.experiment import Experiment
from bench.tracks.circuit_transfer.matching import assigned
from bench.tracks.circuit_transfer.types import Answer, Problem

MUTANT_OF = "activation_cka"
TOUCHES = ("compiled/counts_shared",)
DEFECT = "means stay in, so that nodes are alike whose output hardly varies, and roles are found that are not there"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    return assigned(experiment.written_likeness(uncentred), experiment.allowed, 0.6)


def uncentred(x: np.ndarray, y: np.ndarray) -> float:
    scale = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.square(y.T @ x).sum() / scale) if scale else 0.0
