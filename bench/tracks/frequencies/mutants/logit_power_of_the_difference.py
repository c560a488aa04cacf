"""Fourier power of the logits along the difference of the operands."""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.frequencies.experiment import Experiment, answer
from bench.tracks.frequencies.types import Answer, Problem

MUTANT_OF = "logit_power"
TOUCHES = ("modular_addition/p23", "modular_addition/p29", "modular_addition/p31")
DEFECT = "the wave runs along a - b - c, in whose direction the logits of a sum vary by chance alone"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    first, second = problem.pairs.T
    total = (first - second)[:, None] - np.arange(problem.modulus)
    angle = 2 * np.pi * experiment.frequencies[:, None, None] * total / problem.modulus
    coefficient = (torch.cos(torch.as_tensor(angle)) * experiment.logits()).mean((1, 2))
    return answer(coefficient.square().numpy())
