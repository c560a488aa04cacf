"""Activation patching: a head's whole output is taken from the altered run.

The score is the share of the margin that is lost. All positions are patched, so that what a head does elsewhere than
at `at` counts too. Heads that lose at least a tenth are named.
Departs from the paper in the margin instead of a probability, and in noising instead of restoring.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.roles.experiment import Experiment, answer
from bench.tracks.roles.types import Answer, Problem

REFERENCE = "Vig et al. (2020), Investigating gender bias in language models using causal mediation analysis, NeurIPS"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, least: float = 0.1) -> Answer:
    experiment = Experiment(problem)
    return answer(experiment.falls(experiment.altered), least)
