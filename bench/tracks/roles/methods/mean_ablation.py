"""Mean ablation: the margin that is lost when a head writes its mean over strings.

The mean is taken position by position. Heads that take away at least a tenth of the margin are named.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.roles.experiment import Experiment, answer
from bench.tracks.roles.types import Answer, Problem

REFERENCE = "Wang et al. (2023), Interpretability in the wild, ICLR, arXiv:2211.00593, section 2 (mean ablation)"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, least: float = 0.1) -> Answer:
    experiment = Experiment(problem)
    return answer(experiment.falls(experiment.clean.mean(1, keepdim=True)), least)
