"""Windowed LDA that gives its pattern for what the decoder uses."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.decoding.types import Answer, Problem

MUTANT_OF = "windowed_lda"
TOUCHES = ("planted/evoked_clear", "planted/cancelling", "planted/reactivated")
METRIC = "attribution"
DEFECT = "where the source appears is taken for what the decoder uses, which leaves out the sensors that cancel noise"
DETERMINISTIC = True
PARENT = load_plugin(Path(__file__).parents[1] / "methods" / "windowed_lda.py")


def solve(problem: Problem, rng: np.random.Generator, *, windows: int = 10) -> Answer:
    answer = PARENT.solve(problem, rng, windows=windows)
    return dataclasses.replace(answer, attribution=np.abs(answer.pattern))
