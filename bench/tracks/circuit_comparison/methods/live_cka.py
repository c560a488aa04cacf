"""Linear centred kernel alignment of those heads and MLPs whose interchange changes the output.

As centred kernel alignment of best-matching nodes, but what a network computes and does not use is left out: a node
counts if exchanging what it writes for what it writes on another string changes the output of some string. A candidate
is called the same above `alike`.
Departs from the papers in joining the two: neither asks whether a representation is used before comparing it.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bench.kernels.representation import linear_cka
from bench.tracks.circuit_comparison.alignment import best_matches
from bench.tracks.circuit_comparison.experiment import LIVE, Experiment
from bench.tracks.circuit_comparison.types import Answer, Problem

REFERENCE = (
    "Kornblith et al. (2019), ICML, arXiv:1905.00414; Geiger et al. (2021), NeurIPS, arXiv:2106.02997 (interchange)"
)


def solve(problem: Problem, rng: np.random.Generator, *, strings: int = 48, alike: float = 0.9) -> Answer:
    experiment = Experiment(problem)
    drawn = experiment.draw(experiment.affordable(strings) - 1, rng)  # one run more to read the nodes
    source = rng.permutation(drawn)
    written = [used(experiment, network, drawn, source) for network in range(len(problem.start))]
    scores = np.array([best_matches(linear_cka(written[0], other)) for other in written[1:]])
    return Answer(scores, scores > alike)


def used(
    experiment: Experiment, network: int, strings: np.ndarray, source: np.ndarray
) -> Float[np.ndarray, "nodes rows d_model"]:
    """What the nodes write whose interchange matters."""
    live = np.abs(experiment.interchange(network, strings, source)).max(axis=(1, 2)) > LIVE
    return experiment.written(network, strings)[live]
