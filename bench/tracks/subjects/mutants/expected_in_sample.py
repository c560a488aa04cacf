"""Procrustes that expects of new stimuli what it reached on those it was fitted to."""

from __future__ import annotations

import numpy as np

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.kernels.correlation import correlate_columns
from bench.tracks.subjects.alignment import standardise
from bench.tracks.subjects.types import Answer, Problem

MUTANT_OF = "procrustes"
TOUCHES = ("planted/null_unrelated", "planted/null_few_stimuli")
METRIC = "false_expectation"
DEFECT = "a rotation brings unrelated responses to correlate where it was fitted"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    parent = load_plugin(ROOT / "bench" / "tracks" / "subjects" / "methods" / f"{MUTANT_OF}.py")
    train, others = standardise(problem.train, problem.train[1:])
    fitted = parent.align(train, problem.train_groups, others)
    expected = float(correlate_columns(fitted, problem.train[0]).mean())
    return Answer(parent.solve(problem, rng).predictions, expected)
