"""Mutual regression judged on the strings that it was fitted to."""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_transfer.experiment import Experiment
from bench.tracks.circuit_transfer.matching import assigned
from bench.tracks.circuit_transfer.types import Answer, Problem

MUTANT_OF = "mutual_regression"
TOUCHES = ("compiled/order_shared", "compiled/counts_shared")
METRIC = "absence"
DEFECT = "shares of variance are those of the fitted strings, on which a map from many axes explains anything"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    alike = experiment.written_likeness(lambda x, y: min(fitted(x, y), fitted(y, x)))
    return assigned(alike, experiment.allowed, 0.8)


def fitted(x: np.ndarray, y: np.ndarray) -> float:
    design = np.column_stack([x, np.ones(len(x))])
    rest = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    total = np.square(y - y.mean(axis=0)).sum()
    return float(np.clip(1 - np.square(rest).sum() / total, 0, 1)) if total > 0 else 0.0
