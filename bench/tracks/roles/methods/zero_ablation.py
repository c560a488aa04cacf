"""Zero ablation: by what share the margin falls when a head writes nothing anywhere.

Heads that take away at least a tenth of the margin are named. A head that matters for other reasons scores as well.
"""

from __future__ import annotations

import numpy as np
import torch

from bench.tracks.roles.experiment import Experiment, answer
from bench.tracks.roles.types import Answer, Problem

REFERENCE = "Michel et al. (2019), Are sixteen heads really better than one?, NeurIPS, arXiv:1905.10650"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, least: float = 0.1) -> Answer:
    experiment = Experiment(problem)
    return answer(experiment.falls(torch.zeros_like(experiment.clean)), least)
