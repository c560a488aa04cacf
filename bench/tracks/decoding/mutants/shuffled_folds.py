"""Windowed LDA whose evidence comes from folds that shuffle trials across runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.decoding.experiment import data_sets, p_value, run_aucs
from bench.tracks.decoding.types import Answer, Problem

MUTANT_OF = "windowed_lda"
TOUCHES = ("planted/null_blocked",)
METRIC = "false_detections"
DEFECT = (
    "held-out trials have neighbours of the same run, drift and label in training, so that drift is taken for signal"
)
PARENT = load_plugin(Path(__file__).parents[1] / "methods" / "windowed_lda.py")


def solve(problem: Problem, rng: np.random.Generator, *, windows: int = 10) -> Answer:
    values = []
    for data in data_sets(problem):
        held = [rng.permutation(len(data.labels))[: len(data.labels) // 2]]
        values.append(p_value(run_aucs(lambda one: PARENT.fit(one, windows), data, held)))
    return dataclasses.replace(PARENT.solve(problem, rng, windows=windows), p_values=np.array(values))
