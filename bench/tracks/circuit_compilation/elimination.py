"""Searches that several methods share: parts are deleted while outputs stay equal on the inputs known so far."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
from jaxtyping import Int

from bench.tracks.circuit_compilation.experiment import Experiment, Keep

BATCH = 64  # fresh inputs drawn at a time
SWEEPS = 2  # of elimination that the search for inputs leaves in the budget, should it find one


def without(keep: Keep, parts: list[int] | tuple[int, ...] | np.ndarray) -> Keep:
    """The set of parts less some."""
    left = keep.copy()
    left[np.asarray(parts, int)] = False
    return left


def by_effect(experiment: Experiment) -> Int[np.ndarray, "parts"]:
    """Parts by how far the output moves when each alone is deleted, the least first; of equal ones the largest."""
    everything = experiment.everything()
    effects = experiment.largest_changes(np.stack([without(everything, [part]) for part in range(everything.size)]))
    effects = np.where(effects <= experiment.problem.tolerance, 0.0, effects)
    return np.lexsort((-experiment.problem.parameters, effects))


def eliminate(experiment: Experiment, keep: Keep, order: Int[np.ndarray, "parts"]) -> Keep:
    """Delete one part after another where outputs stay equal, again from the start until none can go."""
    while True:
        before = keep
        for part in order:
            if keep[part] and experiment.affords(1) and experiment.equal(without(keep, [part])):
                keep = without(keep, [part])
        if np.array_equal(keep, before):
            return keep


def eliminate_jointly(experiment: Experiment, keep: Keep, order: Int[np.ndarray, "parts"], most: int) -> Keep:
    """As `eliminate`; where no part can go alone, sets of two and more are tried until one can."""
    keep = eliminate(experiment, keep, order)
    while (group := _removable(experiment, keep, order, most)) is not None:
        keep = eliminate(experiment, without(keep, group), order)
    return keep


def _removable(experiment: Experiment, keep: Keep, order: np.ndarray, most: int) -> tuple[int, ...] | None:
    """The first set of 2 to `most` parts that can go together, if there is one within the budget."""
    left = [int(part) for part in order if keep[part]]
    for size in range(2, most + 1):
        for group in combinations(left, size):
            if not experiment.affords(1):
                return None
            if experiment.equal(without(keep, group)):
                return group
    return None


def until_unrefuted(experiment: Experiment, shrink: Callable[[Experiment], Keep]) -> Keep:
    """Shrink; look for inputs on which the result is wrong; shrink anew with what was found, until none is.

    Everything is kept where the budget ends between a refutation and the next result.
    """
    while True:
        keep = shrink(experiment)
        if not refuted(experiment, keep):
            return keep if experiment.equal_so_far(keep) else experiment.everything()


def refuted(experiment: Experiment, keep: Keep) -> bool:
    """Whether fresh inputs, drawn as long as the budget still holds another elimination, show a difference."""
    reserve = SWEEPS * len(keep) * len(experiment.inputs)
    while experiment.budget.left - 2 * BATCH >= reserve:
        if experiment.search(keep, BATCH):
            return True
    return False
