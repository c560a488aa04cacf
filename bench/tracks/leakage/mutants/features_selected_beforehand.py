"""Leave one run out, on the features of each set that correlate best with the responses over all runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.kernels.resampling import standardise_rows
from bench.tracks.leakage.protocol import inner_runs, run_folds, scores_of_sets
from bench.tracks.leakage.types import Answer, Problem

MUTANT_OF = "grouped_folds"
TOUCHES = ("runs/white_null", "runs/slow_null")
METRIC = "inflation"
DEFECT = "held-out responses choose the features, so that columns of noise are chosen for what they share with them"


def solve(problem: Problem, rng: np.random.Generator, *, most: int = 10) -> Answer:
    r = standardise_rows(problem.features.T) @ standardise_rows(problem.responses.T).T
    strength = np.abs(r).mean(axis=1)
    kept = np.concatenate([best(strength, problem.sets == number, most) for number in np.unique(problem.sets)])
    chosen = replace(problem, features=problem.features[:, kept], sets=problem.sets[kept])
    return Answer(scores_of_sets(chosen, run_folds(problem), inner_runs(problem)))


def best(strength: np.ndarray, mine: np.ndarray, most: int) -> np.ndarray:
    columns = np.flatnonzero(mine)
    return columns[np.argsort(-strength[columns], kind="stable")[:most]]
