"""Compiled programs in two disguises, and programs that share some of their variables.

Both models are dressed: residual streams rotated, heads permuted, layers moved, token numbers permuted, decoy heads and
units of matched norm. Of variants B computes something else with some of A's variables: the other roles are missing. On
null instances it shares none, or knows some and makes no use of them: a node whose exchange changes nothing plays no
role.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tracr.compiler import lib
from tracr.rasp import rasp

from bench.core.problems import Workspace
from bench.models.compiled.dressing import Outfit
from bench.models.compiled.programs import PROGRAMS, Program
from bench.models.compiled.programs.public import BLANK, both
from bench.tracks.circuit_transfer.compiled import PLAIN, Cast, Casting
from bench.tracks.circuit_transfer.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "model"
SPLIT = True
REFERENCE = "Lindner et al. (2023), Tracr: compiled transformers as a laboratory for interpretability, NeurIPS"
INSTANCES = {
    "addresses": {"size": "small", "null": False, "title": "Three hops along addresses"},
    "rising": {"size": "small", "null": False, "title": "Share of rises so far"},
    "sort_frequency": {"size": "small", "null": False, "title": "Sort by frequency, eight roles in a chain"},
    "nearly_or": {"size": "small", "null": False, "title": "Two predicates that nearly agree"},
    "majority": {"size": "small", "null": False, "title": "Two of three predicates"},
    "majority_decoys": {"size": "small", "null": False, "title": "Two of three predicates, many decoys"},
    "majority_few": {"size": "small", "null": False, "title": "Two of three predicates, few inputs"},
    "above_shared": {"size": "small", "null": False, "title": "From the second largest to the largest"},
    "counts_shared": {"size": "small", "null": False, "title": "From a repeat anywhere to symbols that occur once"},
    "counts_few": {"size": "small", "null": False, "title": "The same, few inputs"},
    "order_shared": {"size": "small", "null": False, "title": "From two predicates to one of them"},
    "addresses_in_repeats": {"size": "small", "null": True, "title": "Hops along addresses, in a search for repeats"},
    "repeats_in_order": {"size": "small", "null": True, "title": "A search for repeats, in one for descents"},
    "counts_unused": {
        "size": "small",
        "null": True,
        "title": "Frequencies of symbols, where they are known and unused",
    },
    "before_unused": {"size": "small", "null": True, "title": "The symbol before, where it is known and unused"},
    "rising_in_counts": {"size": "small", "null": True, "title": "Share of rises, in frequencies of symbols"},
}

RICH, CROWDED = Outfit(heads=2, layers=2, units=8, axes=12), Outfit(heads=4, layers=3, units=24, axes=16)


def idle_counts() -> rasp.SOp:
    """Small symbols; how often each occurs is read and makes no difference."""
    return both(lambda size, symbol: symbol if symbol < 3 else BLANK, lib.make_hist(), rasp.tokens, "small")


def idle_before() -> rasp.SOp:
    """The share of symbols above 2 so far; the symbol before is read and makes no difference."""
    left = rasp.Select(rasp.indices, rasp.indices, lambda key, query: key == max(query - 1, 0))
    before = rasp.Aggregate(left, rasp.tokens).named("before")
    high = both(lambda now, last: now > 2, rasp.tokens, before, "high")
    return lib.make_frac_prevs(rasp.Map(lambda is_high: is_high, high).named("counted")).named("high_share")


def like(name: str, build: Callable[[], rasp.SOp]) -> Program:
    """Another program over the strings of one of the zoo."""
    other = PROGRAMS[name]
    return Program(build.__name__, build, other.vocabulary, other.length, other.draw)


def over(name: str, strings_of: str) -> Program:
    """A program of the zoo over the strings of another."""
    return like(strings_of, PROGRAMS[name].build)


def twice(identity: str, name: str, outfit: Outfit, inputs: int) -> Casting:
    cast = Cast(PROGRAMS[name])
    return Casting(identity, cast, cast, outfit, inputs)


def between(identity: str, a: Program, b: Program, null: bool = False, inputs: int = 48) -> Casting:
    return Casting(identity, Cast(a), Cast(b), RICH, inputs, null)


CASTINGS = {
    "addresses": twice("addresses", "follow_addresses", PLAIN, 48),
    "rising": twice("rising", "rising_fraction", RICH, 48),
    "sort_frequency": twice("sort_frequency", "sort_frequency", RICH, 48),
    "nearly_or": twice("nearly_or", "nearly_or", RICH, 64),
    "majority": twice("majority", "majority", RICH, 64),
    "majority_decoys": twice("majority_decoys", "majority", CROWDED, 64),
    "majority_few": twice("majority_few", "majority", RICH, 16),
    "above_shared": between("above_shared", PROGRAMS["second_largest"], over("maximum", "second_largest")),
    "counts_shared": between("counts_shared", PROGRAMS["two_equal"], over("unique_tokens", "two_equal")),
    "counts_few": between("counts_few", PROGRAMS["two_equal"], over("unique_tokens", "two_equal"), inputs=12),
    "order_shared": between("order_shared", PROGRAMS["nearly_or"], over("is_increasing", "nearly_or")),
    "addresses_in_repeats": between(
        "addresses_in_repeats", PROGRAMS["follow_addresses"], over("two_equal", "follow_addresses"), null=True
    ),
    "repeats_in_order": between(
        "repeats_in_order", PROGRAMS["two_equal"], over("is_increasing", "two_equal"), null=True
    ),
    "counts_unused": between("counts_unused", PROGRAMS["unique_tokens"], like("unique_tokens", idle_counts), null=True),
    "before_unused": between(
        "before_unused", PROGRAMS["rising_fraction"], like("rising_fraction", idle_before), null=True
    ),
    "rising_in_counts": between(
        "rising_in_counts", PROGRAMS["rising_fraction"], over("most_frequent", "rising_fraction"), null=True
    ),
}


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """Two dressed models, roles of nodes of the first, and who plays them in the second."""
    return CASTINGS[instance].unit(rng, workspace)
