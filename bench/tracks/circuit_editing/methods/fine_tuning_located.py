"""Fine-tuning of one MLP, which is found by trying each.

Each MLP alone is fitted briefly to half of the examples; the one whose change errs least on the other half is fitted to
all. Where the model says what is wanted already, nothing is changed.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_editing.experiment import Experiment
from bench.tracks.circuit_editing.types import Answer, Problem

REFERENCE = "Hase et al. (2023), Does localization inform editing?, NeurIPS, arXiv:2301.04213 (one layer at a time)"
NEEDS = ("gradients",)


def solve(
    problem: Problem, rng: np.random.Generator, *, trial: int = 80, steps: int = 300, rate: float = 0.02
) -> Answer:
    experiment = Experiment(problem)
    if experiment.nothing_to_do():
        return Answer(experiment.nothing().numpy())
    mlp = experiment.best_mlp(lambda mlp, examples: experiment.fit([mlp], examples, trial, rate), rng)
    return Answer(experiment.fit([mlp], experiment.everything(), steps, rate).numpy())
