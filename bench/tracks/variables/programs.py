"""Programs whose intermediate variables can be told apart from other ways to compute the same answer."""

from __future__ import annotations

from tracr.rasp import rasp

from bench.models.compiled.programs import PROGRAMS, Program
from bench.models.compiled.programs.public import both, from_start

LINKS, FACTORS = 5, 3
"""Moduli of the sum chain and of the two sums."""


def sum_chain() -> rasp.SOp:
    """(first + (second + third)) mod 5 everywhere: the sum of the last two is a variable, that of the first two none.

    Associativity hides which of the two the network computes: its answers are the same, its insides are not.
    """
    first, second, third = (from_start(rasp.tokens, place, f"symbol{place}") for place in range(3))
    pair = both(lambda a, b: (a + b) % LINKS, second, third, "pair")
    return both(lambda a, b: (a + b) % LINKS, first, pair, "total")


def two_sums() -> rasp.SOp:
    """Two sums of two symbols each, written by one MLP, multiplied in the end (all mod 3)."""
    symbols = [from_start(rasp.tokens, place, f"symbol{place}") for place in range(3)]
    left = both(lambda a, b: (a + b) % FACTORS, symbols[0], symbols[1], "left")
    right = both(lambda a, b: (a + 2 * b) % FACTORS, symbols[1], symbols[2], "right")
    return both(lambda a, b: (a * b + a) % FACTORS, left, right, "product")


CHAIN = Program("sum of three symbols", sum_chain, tuple(range(LINKS)), 3)
TWO_SUMS = Program("product of two sums", two_sums, tuple(range(FACTORS)), 3)
ALL = {**PROGRAMS, "sum_chain": CHAIN, "two_sums": TWO_SUMS}
