"""Concatenated ridge whose shares are divided by their sum."""

from __future__ import annotations

import numpy as np

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.tracks.partition.types import Answer, Problem

MUTANT_OF = "concatenated_ridge"
TOUCHES = ("mixtures/separate", "mixtures/correlated", "mixtures/compressed")
DEFECT = "shares sum to 1 however little is explained, and where next to nothing is they are noise over noise"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    parent = load_plugin(ROOT / "bench" / "tracks" / "partition" / "methods" / f"{MUTANT_OF}.py")
    found = parent.solve(problem, rng)
    return Answer(found.shares / found.shares.sum(axis=0), found.estimand, found.predictions)
