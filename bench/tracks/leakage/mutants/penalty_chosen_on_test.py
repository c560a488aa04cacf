"""Leave one run out, with the penalty of each target that does best on the held-out run."""

from __future__ import annotations

import numpy as np

from bench.kernels.correlation import correlate_columns
from bench.kernels.regression import PENALTIES, Standardisation, ridge_path
from bench.tracks.leakage.protocol import run_folds
from bench.tracks.leakage.types import Answer, Problem

MUTANT_OF = "grouped_folds"
TOUCHES = ("runs/white_null", "runs/slow_null")
METRIC = "inflation"
DEFECT = "the best of fifteen penalties on the held-out run has a score above 0 where none has anything to say"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    folds = run_folds(problem)
    scores = [
        np.mean([best_score(problem, problem.sets == number, held) for held in folds])
        for number in np.unique(problem.sets)
    ]
    return Answer(np.array(scores))


def best_score(problem: Problem, columns: np.ndarray, held: np.ndarray) -> float:
    """Mean over targets of the largest r over penalties."""
    train = np.setdiff1d(np.arange(len(problem.runs)), held)
    features, responses = problem.features[:, columns], problem.responses
    scaling = Standardisation.of(features[train])
    path = ridge_path(
        scaling.apply(features[train]), responses[train] - responses[train].mean(axis=0), scaling.apply(features[held]),
        PENALTIES * len(train),
    )  # fmt: skip
    return float(np.max([correlate_columns(one, responses[held]) for one in path], axis=0).mean())
