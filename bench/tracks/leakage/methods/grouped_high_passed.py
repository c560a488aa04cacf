"""Leave one run out, after slow courses are taken out of every run.

The slowest cosines (periods above half a run) are fitted and taken out of responses and features, run by run, so that
training rows know nothing of held-out ones; then as leave one run out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.neuro.haemodynamics import high_pass
from bench.tracks.leakage.protocol import inner_runs, run_folds, scores_of_sets
from bench.tracks.leakage.types import Answer, Problem

REFERENCE = "Friston et al. (2000), NeuroImage 12:196-208 (high-pass by cosines); Varoquaux et al. (2017)"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    cleaned = replace(problem, responses=by_run(problem.responses, problem), features=by_run(problem.features, problem))
    return Answer(scores_of_sets(cleaned, run_folds(problem), inner_runs(problem)))


def by_run(values: np.ndarray, problem: Problem) -> np.ndarray:
    cleaned = np.empty_like(values)
    for rows in run_folds(problem):
        length = len(rows) / problem.sampling_rate
        cleaned[rows] = high_pass(values[rows], 1 / problem.sampling_rate, length / 2)
    return cleaned
