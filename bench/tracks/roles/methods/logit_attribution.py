"""Direct logit attribution: what a head writes at the answered position, read by the unembedding.

The share of the margin that stems from the head's own output there. Heads with at least a tenth are named. Whoever acts
through later heads has no direct part.
"""

from __future__ import annotations

import numpy as np
import torch

from bench.core.contract import Unsupported
from bench.tracks.roles.experiment import Experiment, answer
from bench.tracks.roles.types import Answer, Problem

REFERENCE = "Elhage et al. (2021), A mathematical framework for transformer circuits, section 'direct path'"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, least: float = 0.1) -> Answer:
    experiment = Experiment(problem)
    if experiment.model.config.norm != "none":
        raise Unsupported("the final norm makes the margin no sum over heads")
    unembed = experiment.model.weights["unembed"]
    towards = (unembed - unembed.mean(1, keepdim=True))[:, problem.answer]
    written = experiment.clean[experiment.nodes][:, experiment.rows, problem.answered]
    return answer(experiment.shares(torch.einsum("hbd,db->hb", written, towards)), least)
