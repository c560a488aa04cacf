"""Ablation of one frequency after another in the embedding: the share of the margin that is lost.

One of the two measures that the truth is made with, here on the pairs of the problem.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.frequencies.experiment import Experiment, answer
from bench.tracks.frequencies.types import Answer, Problem

REFERENCE = "Nanda et al. (2023), Progress measures for grokking via mechanistic interpretability, ICLR (excluded loss)"
UNRANKED = "is one of the two measures that the truth is made with, on fewer pairs"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    whole = experiment.margin()
    left = [
        experiment.margin(experiment.numbers - experiment.part(number)) for number in range(len(experiment.frequencies))
    ]
    return answer(np.maximum(1 - np.array(left) / whole, 0.0))
