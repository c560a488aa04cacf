"""Attention patterns: the previous-token and prefix-matching scores.

A head's score is its attention from the position `at` to the source, averaged over a role's strings: to the position
before for previous-token heads, to what followed the earlier occurrence for induction heads. Heads that attend with at
least .3 are named. What is attended to need not be read by anything.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.roles.experiment import Experiment, answer
from bench.tracks.roles.types import Answer, Problem

REFERENCE = "Olsson et al. (2022), In-context learning and induction heads, arXiv:2209.11895, section 'prefix matching'"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, least: float = 0.3) -> Answer:
    experiment = Experiment(problem)
    attention = experiment.trace.attention[:, experiment.rows, problem.at, problem.source]
    return answer(experiment.by_role(attention), least)
