"""Fourier power of the embedding.

Squared norm of the components of each frequency in the embedding of the numbers. What is embedded need not be read.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.frequencies.experiment import Experiment, answer
from bench.tracks.frequencies.types import Answer, Problem

REFERENCE = "Nanda et al. (2023), Progress measures for grokking via mechanistic interpretability, ICLR, section 4"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    return answer(experiment.power(experiment.numbers))
