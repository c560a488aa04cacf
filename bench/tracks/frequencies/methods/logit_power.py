"""Fourier power of the logits along the sum.

Squared coefficient of cos(2 pi k (a + b - c) / p) in the logits of answers c, over the pairs given.
Departs from the paper in a sample of pairs instead of all.
"""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.frequencies.experiment import Experiment, answer
from bench.tracks.frequencies.types import Answer, Problem

REFERENCE = "Nanda et al. (2023), Progress measures for grokking via mechanistic interpretability, ICLR, section 4"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    total = problem.pairs.sum(1)[:, None] - np.arange(problem.modulus)
    angle = 2 * np.pi * experiment.frequencies[:, None, None] * total / problem.modulus
    coefficient = (torch.cos(torch.as_tensor(angle)) * experiment.logits()).mean((1, 2))
    return answer(coefficient.square().numpy())
