"""Fourier power of the MLP's output along the sum.

Squared size of the mean over pairs of output times exp(-2 pi i k (a + b) / p), summed over coordinates; the mean output
is taken off first.
Departs from the paper in outputs instead of neurons, and in a sample of pairs instead of all.
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
    experiment.budget.spend(len(experiment.tokens))
    written = experiment.model.node_outputs(experiment.tokens)[-1, :, -1]
    written = written - written.mean(0)
    wave = experiment.waves[:, problem.pairs.sum(1) % problem.modulus]
    component = wave @ written.to(torch.complex128) / len(written)
    return answer(component.abs().square().sum(1).numpy())
