"""Interchange of a head's output at `at`: the truth's own measure on the strings of the problem.

Heads that lose at least a tenth of the margin are named.
"""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.roles.experiment import Experiment, answer
from bench.tracks.roles.types import Answer, Problem

REFERENCE = "Geiger et al. (2021), Causal abstractions of neural networks, NeurIPS, arXiv:2106.02997"
UNRANKED = "is how the truth is measured, on other strings"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, least: float = 0.1) -> Answer:
    experiment = Experiment(problem)
    return answer(experiment.falls(torch.where(experiment.there, experiment.altered, experiment.clean)), least)
