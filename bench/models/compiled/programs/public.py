"""Public RASP programs in our own words.

The suite of Gupta et al. 2024 (InterpBench, NeurIPS, arXiv:2407.14494; repository circuits-benchmark) numbers its
compiled programs. Those with at least seven static edges are expressed here anew from what they compute: the sources
were not consulted, so that a program here has the same behaviour and another circuit. `number` is the public one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tracr.compiler import lib
from tracr.rasp import rasp

from bench.models.compiled.programs import library
from bench.models.compiled.programs.strings import Program, distinct_symbols, near_sorted, twins

BLANK = 0
DIGITS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Public:
    """A program with the numbers under which the public suite holds what it computes."""

    program: Program
    numbers: tuple[int, ...]


def neighbour(variable: rasp.SOp, step: int, name: str) -> rasp.SOp:
    """The variable `step` positions on; none beyond the ends."""
    there = rasp.Select(rasp.indices, rasp.indices, lambda key, query: key == query + step)
    return rasp.Aggregate(there, variable).named(name)


def from_end(variable: rasp.SOp, back: int, name: str) -> rasp.SOp:
    """The variable at the last position but `back`, everywhere; the end is found by the length."""
    place = rasp.Map(lambda length: length - 1 - back, lib.make_length()).named(f"{name}_place")
    return rasp.Aggregate(rasp.Select(rasp.indices, place, rasp.Comparison.EQ), variable).named(name)


def from_start(variable: rasp.SOp, place: int, name: str) -> rasp.SOp:
    """The variable at a position, everywhere."""
    return rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, lambda key, query: key == place), variable).named(
        name
    )


def both(function: Callable[[Any, Any], Any], one: rasp.SOp, other: rasp.SOp, name: str) -> rasp.SOp:
    return rasp.SequenceMap(function, one, other).named(name)


def count_true(variable: rasp.SOp, name: str) -> rasp.SOp:
    """How many positions hold True, everywhere."""
    return rasp.SelectorWidth(rasp.Select(variable, rasp.indices, lambda key, query: key is True)).named(name)


def none_true(variable: rasp.SOp, name: str) -> rasp.SOp:
    return rasp.Map(lambda count: count == 0, count_true(variable, f"{name}_count")).named(name)


def fetched(address: rasp.SOp, variable: rasp.SOp, name: str) -> rasp.SOp:
    """The variable at the position that `address` names."""
    return rasp.Aggregate(rasp.Select(rasp.indices, address, rasp.Comparison.EQ), variable).named(name)


def address_by_length(where: Callable[[int, int], int], name: str) -> rasp.SOp:
    """An address made of the own position and the string's length."""
    return both(where, rasp.indices, lib.make_length(), f"{name}_address")


def moved(where: Callable[[int, int], int], name: str) -> rasp.SOp:
    return fetched(address_by_length(where, name), rasp.tokens, name)


def reverse() -> rasp.SOp:
    return lib.make_reverse(rasp.tokens)


def unique_tokens() -> rasp.SOp:
    """Symbols that occur once; others are blanked."""
    return both(lambda size, symbol: symbol if size == 1 else BLANK, lib.make_hist(), rasp.tokens, "unique_tokens")


def sort_by_length() -> rasp.SOp:
    """Words by ascending length."""
    return lib.make_sort(rasp.tokens, rasp.Map(len, rasp.tokens).named("word_length"), max_seq_len=5, min_key=1)


def _scaled(name: str, where: Callable[[int, int], bool], scale: Callable[[Any], Any]) -> rasp.SOp:
    """Symbols scaled at some positions, which are found by the length."""
    here = both(where, rasp.indices, lib.make_length(), f"{name}_here")
    return both(lambda chosen, symbol: scale(symbol) if chosen else symbol, here, rasp.tokens, name)


def double_first_half() -> rasp.SOp:
    return _scaled("double_first_half", lambda place, length: 2 * place < length, lambda symbol: 2 * symbol)


def halve_second_half() -> rasp.SOp:
    return _scaled("halve_second_half", lambda place, length: 2 * place >= length, lambda symbol: symbol / 2)


def mirror_first_half() -> rasp.SOp:
    """The first half, and then its mirror image."""
    return moved(lambda place, length: min(place, length - 1 - place), "mirror_first_half")


def interleave_reverse() -> rasp.SOp:
    """Symbols of the string at even places and of its reverse at odd ones."""
    return moved(lambda place, length: place if place % 2 == 0 else length - 1 - place, "interleave_reverse")


def swap_neighbours() -> rasp.SOp:
    return moved(lambda place, length: place - 1 if place % 2 else min(place + 1, length - 1), "swap_neighbours")


def swap_halves() -> rasp.SOp:
    return moved(lambda place, length: (place + length // 2) % max(length, 1), "swap_halves")


def swap_ends() -> rasp.SOp:
    ends = lambda place, length: length - 1 - place if place in (0, length - 1) else place  # noqa: E731
    return moved(ends, "swap_ends")


def swap_consecutive() -> rasp.SOp:
    """A symbol changes places with its neighbour in a pair where the two differ by one."""
    mate = moved(lambda place, length: place - 1 if place % 2 else min(place + 1, length - 1), "mate")
    gap = both(lambda own, other: other if abs(own - other) == 1 else own, rasp.tokens, mate, "swap_consecutive")
    return gap


def median() -> rasp.SOp:
    """The middle one of distinct symbols, everywhere."""
    rank = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LT)).named("below")
    middle = rasp.Map(lambda length: length // 2, lib.make_length()).named("middle")
    return rasp.Aggregate(rasp.Select(rank, middle, rasp.Comparison.EQ), rasp.tokens).named("median")


def maximum() -> rasp.SOp:
    """The largest symbol, everywhere."""
    above = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.GT)).named("above")
    top = rasp.Select(above, rasp.indices, lambda key, query: key == 0)
    return rasp.Aggregate(top, rasp.tokens).named("maximum")


def divide_by_maximum() -> rasp.SOp:
    return both(lambda own, top: own / top, rasp.tokens, maximum(), "divide_by_maximum")


def mean_of_ends() -> rasp.SOp:
    first, last = from_start(rasp.tokens, 0, "first"), from_end(rasp.tokens, 0, "last")
    return both(lambda one, other: (one + other) / 2, first, last, "mean_of_ends")


def _ordered(name: str, wrong: Callable[[Any, Any], bool]) -> rasp.SOp:
    """Whether no symbol stands in the wrong order to the one before it."""
    before = neighbour(rasp.tokens, -1, f"{name}_before")
    return none_true(both(wrong, before, rasp.tokens, f"{name}_break"), name)


def is_increasing() -> rasp.SOp:
    return _ordered("is_increasing", lambda before, now: before >= now)


def is_descending() -> rasp.SOp:
    return _ordered("is_descending", lambda before, now: before <= now)


def alternating_parity() -> rasp.SOp:
    odd = rasp.Map(lambda symbol: symbol % 2, rasp.tokens).named("odd")
    same = both(lambda before, now: before == now, neighbour(odd, -1, "odd_before"), odd, "same_parity")
    return none_true(same, "alternating_parity")


def earlier_copies(name: str) -> rasp.SOp:
    """How often the symbol occurred before. Symbol and position are one variable, as a head can test only one."""
    place = both(lambda symbol, at: (symbol, at), rasp.tokens, rasp.indices, f"{name}_place")
    copies = rasp.Select(place, place, lambda key, query: key[0] == query[0] and key[1] < query[1])
    return rasp.SelectorWidth(copies).named(f"{name}_copies")


def first_occurrences() -> rasp.SOp:
    """Symbols that occurred before are blanked."""
    copies = earlier_copies("first")
    return both(lambda count, symbol: BLANK if count else symbol, copies, rasp.tokens, "first_occurrences")


def two_equal() -> rasp.SOp:
    """Whether any symbol occurs twice."""
    repeated = rasp.Map(lambda size: size > 1, lib.make_hist()).named("repeated")
    return rasp.Map(lambda count: count > 0, count_true(repeated, "repeats")).named("two_equal")


def all_equal() -> rasp.SOp:
    return both(lambda size, length: size == length, lib.make_hist(), lib.make_length(), "all_equal")


def _last_two(function: Callable[[Any, Any], Any], name: str) -> rasp.SOp:
    return both(function, from_end(rasp.tokens, 0, "last"), from_end(rasp.tokens, 1, "last_but_one"), name)


def last_two_equal() -> rasp.SOp:
    return _last_two(lambda one, other: one == other, "last_two_equal")


def last_two_sum() -> rasp.SOp:
    return _last_two(lambda one, other: one + other, "last_two_sum")


def last_then_zeros() -> rasp.SOp:
    last = from_end(rasp.tokens, 0, "last")
    return both(lambda place, symbol: BLANK if place else symbol, rasp.indices, last, "last_then_zeros")


def _with_next(function: Callable[[Any, Any], Any], name: str) -> rasp.SOp:
    """A function of the symbol and the next one; the last symbol's next is itself."""
    follower = moved(lambda place, length: min(place + 1, length - 1), f"{name}_next")
    return both(function, rasp.tokens, follower, name)


def add_next() -> rasp.SOp:
    return _with_next(lambda own, following: own + following, "add_next")


def next_difference() -> rasp.SOp:
    return _with_next(lambda own, following: following - own, "next_difference")


def multiply_next() -> rasp.SOp:
    return _with_next(lambda own, following: own * following, "multiply_next")


def reverse_if_sorted() -> rasp.SOp:
    """The reverse of an ascending string of four; any other stays."""
    ordered = _ordered("is_sorted", lambda before, now: before > now)
    address = both(lambda rising, place: 3 - place if rising else place, ordered, rasp.indices, "address")
    return fetched(address, rasp.tokens, "reverse_if_sorted")


def polynomial() -> rasp.SOp:
    """c0 + c1 x + c2 x^2 at x = 2 with the symbols as coefficients c."""
    low, middle, high = (from_start(rasp.tokens, place, f"coefficient_{place}") for place in range(3))
    inner = both(lambda c1, c2: c1 + 2 * c2, middle, high, "inner")
    return both(lambda c0, rest: c0 + 2 * rest, low, inner, "polynomial")


def divide_by_ratio() -> rasp.SOp:
    """Symbols divided by the ratio of the first to the second."""
    first, second = from_start(rasp.tokens, 0, "first"), from_start(rasp.tokens, 1, "second")
    ratio = both(lambda one, other: round(one / other, 3), first, second, "ratio")
    return both(lambda own, by: round(own / by, 2), rasp.tokens, ratio, "divide_by_ratio")


def _public(number: int | tuple[int, ...], title: str, build: Callable[[], rasp.SOp], *shape: Any) -> Public:
    """A program over four digits and five positions, or over what `shape` says."""
    vocabulary, length, *draw = shape or (DIGITS, 5)
    numbers = number if isinstance(number, tuple) else (number,)
    return Public(Program(title, build, vocabulary, length, *draw), numbers)


WORDS = ("a", "be", "do", "cat", "dog", "bird")
SIX = (1, 2, 3, 4, 5, 6)

PUBLIC: dict[str, Public] = {
    "reverse": _public(2, "reverse", reverse),
    "unique_tokens": _public(21, "symbols that occur once", unique_tokens),
    "sort_by_length": _public(22, "words by length", sort_by_length, WORDS, 5),
    "double_first_half": _public(45, "double the first half", double_first_half, DIGITS, 6),
    "mirror_first_half": _public(58, "mirror the first half", mirror_first_half, DIGITS, 6),
    "interleave_reverse": _public(74, "interleave with the reverse", interleave_reverse),
    "median": _public((81, 126), "median of distinct symbols", median, SIX, 5, distinct_symbols),
    "halve_second_half": _public(82, "halve the second half", halve_second_half, DIGITS, 6),
    "mean_of_ends": _public(88, "mean of first and last", mean_of_ends),
    "is_increasing": _public(89, "increasing?", is_increasing, SIX, 4, near_sorted(1)),
    "swap_neighbours": _public(93, "swap neighbours", swap_neighbours, DIGITS, 6),
    "is_descending": _public(94, "descending?", is_descending, SIX, 4, near_sorted(-1)),
    "first_occurrences": _public(96, "blank duplicates but the first", first_occurrences),
    "divide_by_maximum": _public(97, "divide by the maximum", divide_by_maximum),
    "maximum": _public(98, "repeat the maximum", maximum),
    "add_next": _public(99, "add the next symbol", add_next),
    "swap_consecutive": _public(103, "swap consecutive numbers", swap_consecutive, DIGITS, 6),
    "two_equal": _public(108, "two equal symbols?", two_equal, SIX, 4),
    "last_two_equal": _public(109, "last two equal?", last_two_equal),
    "last_then_zeros": _public(111, "last symbol, zeros after", last_then_zeros),
    "next_difference": _public(112, "difference to the next", next_difference),
    "reverse_if_sorted": _public(113, "reverse if sorted", reverse_if_sorted, SIX, 4, near_sorted(1)),
    "multiply_next": _public(115, "multiply by the next", multiply_next),
    "last_two_sum": _public(117, "sum of the last two", last_two_sum),
    "polynomial": Public(Program("first three as coefficients", polynomial, (0, 1, 2), 6, ignored=(3, 4, 5)), (119,)),
    "swap_halves": _public(120, "swap the halves", swap_halves, DIGITS, 6),
    "all_equal": _public(124, "all equal?", all_equal, SIX, 5, twins),
    "alternating_parity": _public(125, "alternating parity?", alternating_parity, DIGITS, 4),
    "divide_by_ratio": _public(127, "divide by the ratio of the first two", divide_by_ratio, (1, 2, 3), 5),
    "swap_ends": _public(128, "swap first and last", swap_ends),
}

ALREADY = {"pair_balance": 4, "shuffle_dyck": 5, "detect_pattern": 12, "palindrome": 17}
"""Programs of `library` that compute what a public one does."""
PUBLIC |= {name: Public(library.LIBRARY[name], (number,)) for name, number in ALREADY.items()}
