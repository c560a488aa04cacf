"""Fourier power of the embedding that counts the constant term as the first frequency."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.frequencies.experiment import Experiment, answer
from bench.tracks.frequencies.types import Answer, Problem

MUTANT_OF = "embedding_power"
TOUCHES = ("modular_addition/p17", "modular_addition/p29")
DEFECT = "the transform's constant term is not removed, so that every frequency has its lower neighbour's power"
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    constant = Experiment(problem).numbers.sum(0).square().sum()
    parent = load_plugin(PARENT).solve(problem, rng)
    return answer(np.concatenate([[float(constant)], parent.scores[:-1]]))
