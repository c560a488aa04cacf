"""Edge attribution patching at both ends.

As edge attribution patching, with the gradient averaged over the clean and the corrupted run: the trapezoid rule with
two points where integrated gradients take many. Edges are ranked by magnitude.
Departs from the paper in the chosen circuit: edges above a share of the metric's scale, pruned to paths, not a greedy
search for a given number of edges. Only for resample ablation, where the donor is a run.
"""

from __future__ import annotations

import numpy as np

from bench.core.contract import Unsupported
from bench.tracks.circuits.experiment import SHARE, Experiment
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = "Hanna, Pezzelle and Belinkov (2024), Have faith in faithfulness, COLM, arXiv:2403.17806, section 3"
NEEDS = ("gradients",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, share: float = SHARE) -> Answer:
    if problem.intervention != "resample":
        raise Unsupported(f"{problem.intervention} ablation has no corrupted run to take a gradient at")
    experiment = Experiment(problem)
    experiment.afford(9, "gradients at both ends")
    ends = (problem.clean, problem.corrupted)
    gradients = [experiment.model.slot_gradients(tokens, experiment.metric) for tokens in ends]
    effects = [experiment.graph.reduce(found.products(experiment.change)).numpy() for found in gradients]
    scores = np.abs(np.mean(effects, axis=0))
    return Answer(scores, experiment.choose(scores, share))
