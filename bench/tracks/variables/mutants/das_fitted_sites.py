"""DAS that says what it found from the very pairs on which it was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.core.catalogue import load_plugin
from bench.tracks.variables.experiment import Experiment
from bench.tracks.variables.types import Answer, Problem

MUTANT_OF = "distributed_alignment_search"
TOUCHES = ("planted/sum_null_correlated", "compiled/chain_null_decoys")
METRIC = "false_discovery"
DEFECT = "sites are compared on the pairs for fitting, which a subspace of enough dimensions can learn by heart"
NEEDS = ("gradients",)
PARENT = Path(__file__).parents[1] / "methods" / f"{MUTANT_OF}.py"


def solve(problem: Problem, rng: np.random.Generator, *, steps: int = 120, rate: float = 0.05) -> Answer:
    experiment = Experiment(problem, rng)
    experiment.validation = experiment.fit
    search = load_plugin(PARENT).search
    return experiment.choose(lambda site: search(experiment, site, steps, rate))
