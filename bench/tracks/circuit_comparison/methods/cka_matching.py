"""Linear centred kernel alignment of the best-matching heads and MLPs.

What every head and MLP writes on the same strings is compared with what every one of the other network writes; each is
given its best counterpart, and their mean alignment is the score. A candidate is called the same above `alike`.
Departs from the paper in comparing heads and MLPs instead of layers.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.representation import linear_cka
from bench.tracks.circuit_comparison.alignment import best_matches
from bench.tracks.circuit_comparison.experiment import Experiment
from bench.tracks.circuit_comparison.types import Answer, Problem

REFERENCE = "Kornblith et al. (2019), Similarity of neural network representations revisited, ICML, arXiv:1905.00414"


def solve(problem: Problem, rng: np.random.Generator, *, strings: int = 64, alike: float = 0.9) -> Answer:
    experiment = Experiment(problem)
    drawn = experiment.draw(strings, rng)
    written = [experiment.written(network, drawn) for network in range(len(problem.start))]
    scores = np.array([best_matches(linear_cka(written[0], other)) for other in written[1:]])
    return Answer(scores, scores > alike)
