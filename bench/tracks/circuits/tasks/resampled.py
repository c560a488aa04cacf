"""Compiled programs in one disguise, seen through other pairs in every seed: is the circuit stable?

The programs, the disguise and the truth are those of `tracr`, but the dressed model is the same in all seeds of an
instance; a seed draws the pairs that the problem shows anew, with those that show a live edge among them. So the
circuits that a method chooses can be compared edge by edge, and their mean Jaccard index is its stability over data
and, since its generator differs too, over seeds (Méloux et al. 2025, arXiv:2510.00845, who resample with replacement:
here pairs are drawn afresh, so that no method is asked for an edge that its pairs do not show).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.models.compiled.dressing import Dressed, Outfit
from bench.models.compiled.programs import PROGRAMS
from bench.tracks.circuits.compiled import Difficulty, Pairs, Source, make_problem, make_truth, subject_of
from bench.tracks.circuits.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "inputs"
SPLIT = True
REFERENCE = "Lindner et al. 2023, Tracr: compiled transformers as a laboratory for interpretability, NeurIPS"
INSTANCES = {
    "next_larger": {"size": "small", "null": False, "siblings": True, "title": "Next larger symbol"},
    "divide_by_ratio": {"size": "small", "null": False, "siblings": True, "title": "Divide by a ratio, few pairs"},
    "reverse_if_sorted": {"size": "small", "null": False, "siblings": True, "title": "Reverse if sorted"},
    "either_order": {"size": "small", "null": False, "siblings": True, "title": "Either order: edges seldom matter"},
    "kind_count_alike": {"size": "small", "null": True, "siblings": True, "title": "Letters for others of their kind"},
}

DECOYS = Outfit(heads=2, layers=1, units=8, axes=12)
DEEP = Outfit(heads=1, layers=0, units=8, axes=12)
DIFFICULTY = {
    "next_larger": Difficulty(DECOYS, pairs=6),
    "divide_by_ratio": Difficulty(DECOYS, pairs=4),
    "reverse_if_sorted": Difficulty(DEEP, pairs=8),
    "either_order": Difficulty(DEEP, pairs=12),
    "kind_count_alike": Difficulty(DECOYS, pairs=6),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """The instance's dressed program and its live edges, with pairs of strings of this seed's own."""
    dressed, hidden, truth = disguised(instance)
    program = source(instance)
    taken = set() if program.program.repeats else {*hidden[0], *hidden[1]}
    shown = program.draw_pairs(DIFFICULTY[instance].pairs, rng, taken)
    return make_problem(program.wiring, dressed, shown, program.scored, rng, workspace), truth


@cache
def source(instance: str) -> Source:
    """An instance's program; what all its seeds share is made once a process."""
    null = bool(INSTANCES[instance]["null"])
    return Source(f"circuits/resampled|{VERSION}|{instance}", PROGRAMS[instance.removesuffix("_alike")], null)


@cache
def disguised(instance: str) -> tuple[Dressed, Pairs, Truth]:
    """The model of all seeds, the truth's pairs, and the truth."""
    program = source(instance)
    dressed, hidden, _ = program.disguise(DIFFICULTY[instance], generator(program.identity, "disguise"))
    subject = subject_of(program.wiring.compiled, dressed, hidden, program.scored)
    return dressed, hidden, make_truth(subject, program.null)
