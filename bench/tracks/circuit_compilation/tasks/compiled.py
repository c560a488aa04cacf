"""Compiled RASP programs, of whose own parts some can go.

A program is compiled by Tracr and dressed; beside the decoys, units of its own turn out to be spared: those that tell
apart what a later part does not. What can go is found by running every subset of the program's parts on all strings.
"""

from __future__ import annotations

import numpy as np

from bench.core.problems import Workspace
from bench.models.compiled.dressing import Outfit
from bench.models.compiled.programs import PROGRAMS
from bench.tracks.circuit_compilation.planting import Cancelling, Plan
from bench.tracks.circuit_compilation.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "model"
SPLIT = True
REFERENCE = "Lindner et al. 2023, Tracr: compiled transformers as a laboratory for interpretability, NeurIPS"
INSTANCES = {
    "balance": {"size": "small", "null": False, "title": "Running balance of brackets"},
    "balance_threes": {"size": "small", "null": False, "title": "Running balance, three units that cancel together"},
    "shares_cancelling": {"size": "small", "null": False, "title": "Shares that nearly cancel, heads that do"},
    "maximum": {"size": "small", "null": False, "title": "The largest symbol, read off a sorted string"},
    "sort": {"size": "small", "null": False, "title": "Sorting, many decoys, few strings"},
    "balance_null": {"size": "small", "null": True, "title": "Running balance of which nothing can go"},
    "sort_null": {"size": "small", "null": True, "title": "Sorting of which nothing can go, few strings"},
    "addresses_null": {"size": "small", "null": True, "title": "Three addresses, of which nothing can go"},
}

PLAIN, RICH = Outfit(heads=1, layers=0, units=4, axes=6), Outfit(heads=1, layers=1, units=8, axes=12)
PLANS = {
    "balance": Plan(PROGRAMS["pair_balance"], PLAIN),
    "balance_threes": Plan(PROGRAMS["pair_balance"], PLAIN, implants=(Cancelling("units", 0, (1.0, 1.0, -2.0)),)),
    "shares_cancelling": Plan(PROGRAMS["small_cancellation"], PLAIN, implants=(Cancelling("heads", 1),)),
    "maximum": Plan(PROGRAMS["maximum"], PLAIN),
    "sort": Plan(PROGRAMS["sort_unique"], RICH, shown=8, searches=0.5),
    "balance_null": Plan(PROGRAMS["pair_balance"], PLAIN, null=True),
    "sort_null": Plan(PROGRAMS["sort_unique"], RICH, shown=8, searches=0.5, null=True),
    "addresses_null": Plan(PROGRAMS["follow_addresses"], PLAIN, null=True),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """A dressed program with parts to spare, and its smallest exact subnetworks."""
    return PLANS[instance].unit(rng, workspace)
