"""Delta debugging (ddmin) of the set of parts, guided by counterexamples.

The parts are cut into n pieces. If a piece alone computes the same, it is kept and n is 2 again; else if all but a
piece do, the piece goes and n falls by one; else n doubles, up to one part a piece. Fresh inputs refute the result.
Departs from the paper in the test (outputs equal on the known inputs) and in pieces of a random order of the parts.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from bench.tracks.circuit_compilation.elimination import until_unrefuted
from bench.tracks.circuit_compilation.experiment import Experiment, Keep
from bench.tracks.circuit_compilation.types import Answer, Problem

REFERENCE = "Zeller and Hildebrandt (2002), Simplifying and isolating failure-inducing input, IEEE TSE 28:183-200"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return Answer(until_unrefuted(Experiment(problem, rng), shrink))


def shrink(experiment: Experiment) -> Keep:
    parts, pieces = experiment.rng.permutation(len(experiment.problem.parts)), 2
    while len(parts) >= 2:
        smaller, alone = smaller_set(experiment, parts, pieces)
        if smaller is not None:
            parts, pieces = smaller, 2 if alone else max(pieces - 1, 2)
        elif pieces < len(parts):
            pieces = min(2 * pieces, len(parts))
        else:
            break
    return only(experiment, parts)


def smaller_set(
    experiment: Experiment, parts: Int[np.ndarray, "left"], pieces: int
) -> tuple[Int[np.ndarray, "fewer"] | None, bool]:
    """The first piece, or complement of a piece, that computes the same; and whether it is a piece."""
    cut = np.array_split(parts, pieces)
    candidates = [(piece, True) for piece in cut] + [(np.setdiff1d(parts, piece), False) for piece in cut]
    for candidate, alone in candidates:
        if experiment.affords(1) and experiment.equal(only(experiment, candidate)):
            return parts[np.isin(parts, candidate)], alone
    return None, False


def only(experiment: Experiment, parts: Int[np.ndarray, "left"]) -> Keep:
    return np.isin(np.arange(len(experiment.problem.parts)), parts)
