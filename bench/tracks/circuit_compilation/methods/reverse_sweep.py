"""One sweep from the output to the inputs, on the inputs given.

Later layers come first. Every part is tried once: it is deleted for good where the output of what is left stays equal
to the network's on the given inputs. Conmy et al. sweep edges so, against corrupted activations and a threshold.
Departs from the paper in parts instead of edges, deletion instead of corrupted activations, and equal outputs.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.circuit_compilation.elimination import without
from bench.tracks.circuit_compilation.experiment import Experiment
from bench.tracks.circuit_compilation.types import Answer, Problem

REFERENCE = "Conmy et al. (2023), Towards automated circuit discovery, NeurIPS, arXiv:2304.14997, algorithm 1"
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    experiment = Experiment(problem, rng)
    keep = experiment.everything()
    for part in reversed(range(len(problem.parts))):
        if experiment.affords(1) and experiment.equal(without(keep, [part])):
            keep = without(keep, [part])
    return Answer(keep)
