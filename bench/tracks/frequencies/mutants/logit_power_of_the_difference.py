"""Fourier power of the logits along the difference of the operands."""

from __future__ import annotations

import numpy as np

from bench.tracks.frequencies.experiment import Experiment
from bench.tracks.frequencies.types import Answer, Problem

MUTANT_OF = "logit_power"
TOUCHES = ("modular_addition/p17", "modular_addition/p29")
DEFECT = "waves run along a - b - c, where the logits of a sum have power by chance alone"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    angle = problem.pairs[:, :1] - problem.pairs[:, 1:] - np.arange(problem.modulus)
    waves = experiment.waves[:, angle % problem.modulus]
    logits = experiment.logits()
    share = 2 * (waves * logits).mean((1, 2)).abs().square() / logits.square().mean()
    return Answer(share.numpy(), share.numpy() >= 0.05)
