"""Relevance patching.

Edge attribution patching whose backward pass follows relevance rules instead of derivatives: norms have the scale of
the clean run (LN rule), an activation is the constant factor activation(x) / x (identity rule), each side of a gated
product gets half (half rule); linear maps keep their gradient. Edges are ranked by the magnitude of coefficient times
donor's minus clean output.
With relu and without norms the rules are the derivatives, and the scores are those of edge attribution patching.
Departs from the paper in attention: the softmax is differentiated by default, since with constant patterns
(`attention="constant"`) no edge into a query or key scores; and in the chosen circuit: edges above a share of the
metric's scale, pruned to paths.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from bench.models.relevance import RelevanceTransformer
from bench.tracks.circuits.experiment import SHARE, Experiment
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = (
    "Rezaei Jafari, Eberle, Khakzar and Nanda (2025), RelP: faithful and efficient circuit discovery via relevance"
    " patching, arXiv:2508.21258"
)
NEEDS = ("gradients",)
DETERMINISTIC = True


def solve(
    problem: Problem,
    rng: np.random.Generator,
    *,
    attention: Literal["gradient", "constant"] = "gradient",
    share: float = SHARE,
) -> Answer:
    experiment = Experiment(problem)
    experiment.afford(7, "relevance patching")
    model = RelevanceTransformer.of(experiment.model, attention)
    found = model.slot_gradients(problem.clean, experiment.metric)
    scores = np.abs(experiment.graph.reduce(found.products(experiment.change)).numpy())
    return Answer(scores, experiment.choose(scores, share))
