"""Compiled programs, disguised anew for every seed.

A RASP program is compiled to a transformer by Tracr and dressed: heads and layers moved, decoys added, vocabulary
permuted, residual stream rotated (`bench.models.compiled.dressing`). The problem shows pairs of strings on which the
program's answers differ; the truth is exhaustive patching of every edge on other pairs. Null instances exchange symbols
that the program treats alike: no edge but the embedding's own carries a change, and none that matters does.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from bench.core.problems import Workspace
from bench.models.compiled.dressing import Outfit
from bench.models.compiled.programs import PROGRAMS
from bench.tracks.circuits.compiled import Difficulty, Source
from bench.tracks.circuits.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "model"
SPLIT = True
REFERENCE = "Lindner et al. 2023, Tracr: compiled transformers as a laboratory for interpretability, NeurIPS"
INSTANCES = {
    "pair_balance": {"size": "small", "null": False, "title": "Running balance of brackets"},
    "rising_fraction": {"size": "small", "null": False, "title": "Share of rises so far"},
    "palindrome": {"size": "small", "null": False, "title": "Share of positions that mirror"},
    "detect_pattern": {"size": "small", "null": False, "title": "End of the pattern aba"},
    "sort_unique": {"size": "small", "null": False, "title": "Sort distinct symbols"},
    "next_larger": {"size": "small", "null": False, "title": "Next larger symbol"},
    "count_rare": {"size": "small", "null": False, "title": "How many symbols are rare"},
    "repeated_fraction": {"size": "small", "null": False, "title": "Share of repeated symbols, few pairs"},
    "follow_addresses": {"size": "small", "null": False, "title": "Follow three addresses, many decoys"},
    "sort": {"size": "small", "null": False, "title": "Sort with repeats, many decoys, few pairs"},
    "sort_frequency": {"size": "small", "null": False, "title": "Sort by frequency, deep"},
    "shuffle_dyck": {"size": "small", "null": False, "title": "Balanced brackets, deep"},
    "shuffle_dyck2": {"size": "small", "null": False, "title": "Two kinds of balanced brackets, deep and wide"},
    "vowel_balance_alike": {"size": "small", "null": True, "title": "Vowels for vowels: nothing changes"},
    "kind_count_alike": {"size": "small", "null": True, "title": "Letters for others of their kind: nothing changes"},
}

PLAIN = Difficulty(Outfit(heads=1, layers=0, units=4, axes=6), pairs=24)
MIDDLE = Difficulty(Outfit(heads=2, layers=1, units=8, axes=12), pairs=12)
HARD = Difficulty(Outfit(heads=3, layers=1, units=16, axes=24), pairs=6)
DEEP = Difficulty(Outfit(heads=1, layers=0, units=8, axes=12), pairs=12)
WIDE = Difficulty(Outfit(heads=0, layers=0, units=8, axes=12), pairs=8)
DIFFICULTY = {
    "pair_balance": PLAIN, "rising_fraction": PLAIN, "palindrome": PLAIN, "detect_pattern": MIDDLE,
    "sort_unique": PLAIN, "next_larger": MIDDLE, "count_rare": MIDDLE,
    "repeated_fraction": replace(MIDDLE, pairs=4), "follow_addresses": HARD, "sort": HARD,
    "sort_frequency": DEEP, "shuffle_dyck": DEEP, "shuffle_dyck2": WIDE,
    "vowel_balance_alike": MIDDLE, "kind_count_alike": HARD,
}  # fmt: skip


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """A dressed program with pairs of strings, and its live edges under three interventions."""
    return source(instance).unit(DIFFICULTY[instance], rng, workspace)


@cache
def source(instance: str) -> Source:
    """An instance's program; what all its seeds share is made once a process."""
    null = bool(INSTANCES[instance]["null"])
    return Source(f"circuits/tracr|{VERSION}|{instance}", PROGRAMS[instance.removesuffix("_alike")], null)
