"""Banded ridge that takes the variance of a space's part for its share."""

from __future__ import annotations

import numpy as np

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.tracks.partition.fitting import held_out_parts, predict
from bench.tracks.partition.types import Answer, Problem

MUTANT_OF = "banded_ridge"
TOUCHES = ("mixtures/correlated", "mixtures/entangled")
DEFECT = "covariances between the parts are left out: where one part takes away what another adds, both count in full"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    parent = load_plugin(ROOT / "bench" / "tracks" / "partition" / "methods" / f"{MUTANT_OF}.py")
    parts, observed = held_out_parts(problem, parent.fit)
    shares = np.square(parts).sum(axis=1) / np.square(observed).sum(axis=0)
    return Answer(shares, "product", predict(problem, parent.fit))
