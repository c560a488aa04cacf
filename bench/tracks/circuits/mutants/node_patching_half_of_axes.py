"""Node patching of the first half of the residual coordinates."""

from __future__ import annotations

import numpy as np
import torch

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.tracks.circuits.experiment import Experiment, weaker_ends
from bench.tracks.circuits.types import Answer, Problem

MUTANT_OF = "node_patching"
TOUCHES = ("random_rasp/twin",)
METRIC = "equivariance"
DEFECT = "only the first half of a node's coordinates is patched, as if the axes of the residual stream meant anything"
REFERENCE = "the residual stream has no privileged basis: Elhage et al. (2021), A mathematical framework"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    parent = load_plugin(ROOT / "bench" / "tracks" / "circuits" / "methods" / "node_patching.py")
    experiment = Experiment(problem)
    width = experiment.nodes.shape[-1]
    first = (torch.arange(width) < width // 2).to(experiment.nodes.dtype)
    vars(experiment)["donors"] = experiment.nodes + first * experiment.change
    effects = parent.node_effects(experiment)
    scores = weaker_ends(problem.edges, effects)
    return Answer(scores, experiment.choose(scores))
