"""Gradient attribution: ablation of each frequency in the embedding to first order.

Derivative of the mean margin with respect to the embedded operands, times the frequency's part of them; negative
attributions count as nothing.
Departs from the paper in frequencies of the embedding instead of inputs.
"""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.frequencies.experiment import Experiment, answer
from bench.tracks.frequencies.types import Answer, Problem

REFERENCE = (
    "Shrikumar et al. (2017), Not just a black box: learning important features, arXiv:1605.01713 (gradient x input)"
)
NEEDS = ("gradients",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem)
    rows = np.arange(len(experiment.tokens))
    experiment.budget.spend(2 * len(rows))

    def margin(output: torch.Tensor) -> torch.Tensor:
        last = output[:, -1]
        return (last[rows, problem.answers] - last.mean(1)).mean()

    probed = experiment.model.slot_gradients(experiment.tokens, margin)
    reads = experiment.model.feeds[:, 0].double()
    gradient = torch.einsum("s,sbpd->bpd", reads, probed.gradients)[:, :2]
    scores = [
        float((gradient * experiment.part(number)[problem.pairs]).sum())
        for number in range(len(experiment.frequencies))
    ]
    return answer(np.maximum(scores, 0.0))
