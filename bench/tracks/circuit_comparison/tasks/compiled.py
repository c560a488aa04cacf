"""Compiled programs that answer alike on every string.

A family holds programs for one function: trees of additions, ways to see that a string ascends or mirrors. Programs
are compiled by Tracr and dressed: heads and layers moved, decoys added, vocabulary permuted, residual stream in a basis
that is not orthogonal, sizes drawn without regard to the program. A seed draws which algorithm is the reference's,
which candidates share it, and every disguise.
"""

from __future__ import annotations

import numpy as np

from bench.core.problems import Workspace
from bench.tracks.circuit_comparison.pairing import Plan, Spare
from bench.tracks.circuit_comparison.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
SPLIT = True
REFERENCE = "Lindner et al. 2023, Tracr: compiled transformers as a laboratory for interpretability, NeurIPS"
INSTANCES = {
    "ascending": {"size": "small", "null": False, "title": "Ascending? Four ways of different shapes"},
    "recurs": {"size": "small", "null": False, "title": "Does the first symbol recur? Four ways"},
    "palindrome": {"size": "small", "null": False, "title": "Palindrome? Four ways"},
    "maximum": {"size": "small", "null": False, "title": "Largest symbol: trees of maxima, and counting"},
    "sums_three": {"size": "small", "null": False, "title": "Three symbols added in three orders: one shape"},
    "sums_four": {"size": "small", "null": False, "title": "Four symbols added in 15 orders, 8 candidates"},
    "sums_balanced": {"size": "small", "null": False, "title": "Two sums in one MLP: three pairings of four symbols"},
    "ascending_recoded": {
        "size": "small",
        "null": False,
        "title": "Ascending?, variables written otherwise on the way",
    },
    "sums_recoded": {"size": "small", "null": False, "title": "Sums of four, variables written otherwise on the way"},
    "sums_idle": {
        "size": "small",
        "null": False,
        "title": "Sums of three that also compute each other's steps in vain",
    },
    "recurs_idle": {"size": "small", "null": False, "title": "Does it recur?, each other's variables computed in vain"},
    "seldom": {"size": "small", "null": False, "title": "Orders of addition that differ on one string in 25"},
    "ascending_null": {"size": "small", "null": True, "title": "Ascending?, no candidate does it the reference's way"},
    "sums_three_null": {"size": "small", "null": True, "title": "Sums of three, none in the reference's order"},
    "sums_four_null": {"size": "small", "null": True, "title": "Sums of four, none in the reference's order"},
    "sums_idle_null": {"size": "small", "null": True, "title": "Sums of three, the reference's steps computed in vain"},
    "seldom_null": {"size": "small", "null": True, "title": "Orders of addition that differ seldom, none the same"},
}

LARGE = Spare(heads=2, layers=1, units=16, axes=16)
PLANS = {
    "ascending": Plan("ascending"),
    "recurs": Plan("recurs"),
    "palindrome": Plan("palindrome", spare=LARGE),
    "maximum": Plan("maximum"),
    "sums_three": Plan("sums_three"),
    "sums_four": Plan("sums_four", same=3, candidates=8, spare=LARGE),
    "sums_balanced": Plan("sums_balanced"),
    "ascending_recoded": Plan("ascending", recoded=True),
    "sums_recoded": Plan("sums_four", recoded=True),
    "sums_idle": Plan("sums_three", idle=1),
    "recurs_idle": Plan("recurs", idle=1),
    "seldom": Plan("seldom", shown=8, passes=0.5),
    "ascending_null": Plan("ascending", same=0),
    "sums_three_null": Plan("sums_three", same=0),
    "sums_four_null": Plan("sums_four", same=0),
    "sums_idle_null": Plan("sums_three", same=0, idle=1),
    "seldom_null": Plan("seldom", same=0, candidates=3, shown=8, passes=0.5),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """A reference and candidates that behave alike, and which of them work alike."""
    return PLANS[instance].unit(rng, workspace)
