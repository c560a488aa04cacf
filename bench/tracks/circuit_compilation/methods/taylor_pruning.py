"""First-order Taylor importance with the largest exact cut found by bisection.

A part's importance is |sum of activation times derivative of the output|, which is the derivative with respect to a
gate at the part: the change of the output, to first order, when the part is deleted. The least important parts are
deleted, as many as leave the outputs on the given inputs equal; how many is found by bisection.
Departs from the paper in the scalar that is differentiated (random signed sums of each input's outputs, of which the
root mean square is taken, as a loss has no gradient where the network is right) and in not training further.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from bench.tracks.circuit_compilation.elimination import without
from bench.tracks.circuit_compilation.experiment import Experiment, Keep
from bench.tracks.circuit_compilation.types import Answer, Problem

REFERENCE = (
    "Molchanov et al. (2017), Pruning convolutional neural networks for resource efficient inference, ICLR, eq. 7"
)
NEEDS = ("gradients",)


def solve(problem: Problem, rng: np.random.Generator, *, directions: int = 4) -> Answer:
    experiment = Experiment(problem, rng)
    importance = np.sqrt(np.square(experiment.gate_gradients(directions)).mean(axis=0))
    return Answer(largest_cut(experiment, np.argsort(importance, kind="stable")))


def largest_cut(experiment: Experiment, order: Int[np.ndarray, "parts"]) -> Keep:
    """What is left when as many of the first parts go as can, on the assumption that fewer can where more can."""
    fits, fails = 0, len(order) + 1
    while fails - fits > 1:
        cut = (fits + fails) // 2
        if experiment.equal(without(experiment.everything(), order[:cut])):
            fits = cut
        else:
            fails = cut
    return without(experiment.everything(), order[:fits])
