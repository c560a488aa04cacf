"""One frequency alone: the margin that is left with nothing but it in the embedding.

Of the numbers' embedding the mean and one frequency are kept, and the share of the margin that remains is the score;
what turns the margin round counts as nothing.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.frequencies.experiment import Experiment, answer
from bench.tracks.frequencies.types import Answer, Problem

REFERENCE = "Nanda et al. (2023), Progress measures for grokking, ICLR (restricted loss)"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    mean, whole = experiment.numbers.mean(0), experiment.margin()
    left = [experiment.margin(mean + experiment.part(number)) for number in range(len(experiment.frequencies))]
    return answer(np.maximum(np.array(left) / whole, 0.0))
