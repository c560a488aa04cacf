"""Compiled programs, disguised anew for every seed.

A RASP program is compiled to a transformer by Tracr and dressed: heads and layers moved, decoys added, vocabulary
permuted, residual stream rotated (`bench.models.compiled.dressing`). The problem shows pairs of strings on which the
program's answers differ; the truth is exhaustive patching of every edge on other pairs. Null instances exchange symbols
that the program treats alike, or that stand where it never looks: no edge but the embedding's own carries a change, and
none that matters does. Some instances take predicates of which one nearly implies another, so that on most pairs the
edges of each are hidden by the other, or numbers that nearly cancel.
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

VERSION = 2
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
    "maximum": {"size": "small", "null": False, "title": "Largest symbol"},
    "unique_tokens": {"size": "small", "null": False, "title": "Symbols that occur once"},
    "sort_by_length": {"size": "small", "null": False, "title": "Words by length"},
    "median": {"size": "small", "null": False, "title": "Median of distinct symbols"},
    "mean_of_ends": {"size": "small", "null": False, "title": "Mean of first and last"},
    "last_two_equal": {"size": "small", "null": False, "title": "Last two equal?"},
    "all_equal": {"size": "small", "null": False, "title": "All equal?"},
    "count_rises": {"size": "small", "null": False, "title": "How many rises"},
    "is_increasing": {"size": "small", "null": False, "title": "Increasing?"},
    "is_descending": {"size": "small", "null": False, "title": "Descending?, few pairs"},
    "first_occurrences": {"size": "small", "null": False, "title": "Blank duplicates but the first"},
    "divide_by_maximum": {"size": "small", "null": False, "title": "Divide by the maximum"},
    "polynomial": {"size": "small", "null": False, "title": "The string as coefficients"},
    "divide_by_ratio": {"size": "small", "null": False, "title": "Divide by the ratio of the first two, few pairs"},
    "alternating_parity": {"size": "small", "null": False, "title": "Alternating parity?"},
    "small_cancellation": {"size": "small", "null": False, "title": "Two shares that nearly cancel, few pairs"},
    "second_largest": {"size": "small", "null": False, "title": "Second largest less the own"},
    "two_hops_sorted": {"size": "small", "null": False, "title": "Ranks followed twice, many decoys"},
    "most_frequent": {"size": "small", "null": False, "title": "Most frequent symbols, many decoys"},
    "two_equal": {"size": "small", "null": False, "title": "Two equal symbols?"},
    "reverse_if_sorted": {"size": "small", "null": False, "title": "Reverse if sorted"},
    "distinct_count": {"size": "small", "null": False, "title": "How many different symbols"},
    "distance_to_median": {"size": "small", "null": False, "title": "Distance to the median, few pairs"},
    "local_peaks": {"size": "small", "null": False, "title": "How many peaks"},
    "either_order": {"size": "small", "null": False, "title": "Ascending or descending: edges seldom matter"},
    "nearly_or": {"size": "small", "null": False, "title": "Ascending or largest last: each hides the other"},
    "repeated_and_rising": {
        "size": "small",
        "null": False,
        "title": "A repeat and equal last two: the second implies the first",
    },
    "majority": {"size": "small", "null": False, "title": "Two of three predicates, deep and wide"},
    "panel": {"size": "small", "null": False, "title": "How many of four predicates hold, deep and wide"},
    "jury": {"size": "large", "null": False, "title": "How many of six predicates hold, deep and wide"},
    "vowel_balance_alike": {"size": "small", "null": True, "title": "Vowels for vowels: nothing changes"},
    "kind_count_alike": {"size": "small", "null": True, "title": "Letters for others of their kind: nothing changes"},
    "ends_agree_unseen": {"size": "small", "null": True, "title": "Changes where the program never looks"},
    "polynomial_unseen": {"size": "small", "null": True, "title": "Changes where the program never looks, many decoys"},
}

PLAIN = Difficulty(Outfit(heads=1, layers=0, units=4, axes=6), pairs=24)
MIDDLE = Difficulty(Outfit(heads=2, layers=1, units=8, axes=12), pairs=12)
HARD = Difficulty(Outfit(heads=3, layers=1, units=16, axes=24), pairs=6)
DEEP = Difficulty(Outfit(heads=1, layers=0, units=8, axes=12), pairs=12)
WIDE = Difficulty(Outfit(heads=0, layers=0, units=8, axes=12), pairs=8)
BARE = Difficulty(Outfit(heads=0, layers=0, units=4, axes=6), pairs=12)
DIFFICULTY = {
    "pair_balance": PLAIN, "rising_fraction": PLAIN, "palindrome": PLAIN, "detect_pattern": MIDDLE,
    "sort_unique": PLAIN, "next_larger": MIDDLE, "count_rare": MIDDLE,
    "repeated_fraction": replace(MIDDLE, pairs=4), "follow_addresses": HARD, "sort": HARD,
    "sort_frequency": DEEP, "shuffle_dyck": DEEP, "shuffle_dyck2": WIDE,
    "maximum": PLAIN,
    "unique_tokens": PLAIN,
    "sort_by_length": PLAIN,
    "median": PLAIN,
    "mean_of_ends": PLAIN,
    "last_two_equal": PLAIN,
    "all_equal": MIDDLE,
    "count_rises": PLAIN,
    "is_increasing": MIDDLE,
    "is_descending": replace(MIDDLE, pairs=4),
    "first_occurrences": MIDDLE,
    "divide_by_maximum": MIDDLE,
    "polynomial": MIDDLE,
    "divide_by_ratio": replace(MIDDLE, pairs=4),
    "alternating_parity": MIDDLE,
    "small_cancellation": replace(MIDDLE, pairs=4),
    "second_largest": MIDDLE,
    "two_hops_sorted": HARD,
    "most_frequent": HARD,
    "two_equal": DEEP,
    "reverse_if_sorted": DEEP,
    "distinct_count": DEEP,
    "distance_to_median": replace(DEEP, pairs=4),
    "local_peaks": DEEP,
    "either_order": DEEP,
    "nearly_or": BARE,
    "repeated_and_rising": BARE,
    "majority": BARE,
    "panel": BARE,
    "jury": BARE,
    "vowel_balance_alike": MIDDLE, "kind_count_alike": HARD,
    "ends_agree_unseen": MIDDLE, "polynomial_unseen": HARD,
}  # fmt: skip


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """A dressed program with pairs of strings, and its live edges under three interventions."""
    return source(instance).unit(DIFFICULTY[instance], rng, workspace)


@cache
def source(instance: str) -> Source:
    """An instance's program; what all its seeds share is made once a process."""
    null = bool(INSTANCES[instance]["null"])
    return Source(
        f"circuits/tracr|{VERSION}|{instance}", PROGRAMS[instance.removesuffix("_alike").removesuffix("_unseen")], null
    )
