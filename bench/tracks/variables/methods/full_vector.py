"""Full vector: exchange the whole value of a site.

No subspace: the site is the one whose interchange gets most validation pairs right. Right where a variable is alone at
its site, and wrong wherever another one lies beside it.
"""

from __future__ import annotations

import numpy as np

from bench.tracks.variables.experiment import Experiment
from bench.tracks.variables.types import Answer, Problem

REFERENCE = "Geiger et al. (2021), Causal abstractions of neural networks, NeurIPS, arXiv:2106.02997"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return Experiment(problem, rng).choose(lambda site: np.eye(problem.width))
