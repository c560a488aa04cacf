"""Fourier power of the logits along the sum.

Share of the power of the logits of answers c that waves exp(2 pi i k (a + b - c) / p) take up, over the pairs given.
Frequencies with at least a twentieth are named.
Departs from the paper in a sample of pairs instead of all.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.frequencies.experiment import Experiment
from bench.tracks.frequencies.types import Answer, Problem

REFERENCE = "Nanda et al. (2023), Progress measures for grokking via mechanistic interpretability, ICLR, section 4"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, least: float = 0.05) -> Answer:
    experiment = Experiment(problem)
    angle = problem.pairs.sum(1)[:, None] - np.arange(problem.modulus)
    waves = experiment.waves[:, angle % problem.modulus]
    logits = experiment.logits()
    share = 2 * (waves * logits).mean((1, 2)).abs().square() / logits.square().mean()
    return Answer(share.numpy(), share.numpy() >= least)
