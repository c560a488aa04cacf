"""Deep and wide programs of ours: predicates that nearly agree, conjunctions, votes, chains of rearrangements.

Where two predicates agree on most strings, an `or` of them hides each from single-edge patching on most pairs: the
effect of their edges is small, though never zero on all pairs. No two computations are equal, so nothing is redundant.
"""

from __future__ import annotations

from tracr.compiler import lib
from tracr.rasp import rasp

from bench.models.compiled.programs.public import (
    BLANK,
    DIGITS,
    SIX,
    alternating_parity,
    both,
    count_true,
    earlier_copies,
    from_start,
    is_descending,
    is_increasing,
    last_two_equal,
    maximum,
    median,
    neighbour,
    two_equal,
)
from bench.models.compiled.programs.strings import Program, distinct_symbols, independent_symbols, near_sorted, one_of


def ends_agree() -> rasp.SOp:
    """Whether the first two symbols are equal: looks at no other position."""
    first, second = from_start(rasp.tokens, 0, "first"), from_start(rasp.tokens, 1, "second")
    sums = both(lambda one, other: one + other, first, second, "sum_of_two")
    high = rasp.Map(lambda total: total > 4, sums).named("high")
    return both(lambda equal, tall: equal or tall, both(lambda a, b: a == b, first, second, "equal"), high, "agree")


def majority() -> rasp.SOp:
    """Whether at least two of three hold: a rise at the start, a symbol twice, parity that alternates."""
    start = both(lambda a, b: a < b, from_start(rasp.tokens, 0, "one"), from_start(rasp.tokens, 1, "two"), "rise")
    pair = both(lambda a, b: a + b, two_equal(), start, "votes_of_two")
    return both(lambda votes, third: votes + third >= 2, pair, alternating_parity(), "majority")


def nearly_or() -> rasp.SOp:
    """Whether symbols are ascending, or largest at the end: the first nearly implies the second."""
    last = rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, lambda key, query: key == 3), rasp.tokens)
    top = both(lambda end, most: end == most, last.named("end"), maximum(), "top_at_end")
    return both(lambda a, b: a or b, is_increasing(), top, "nearly_or")


def either_order() -> rasp.SOp:
    return both(lambda a, b: a or b, is_increasing(), is_descending(), "either_order")


def repeated_and_rising() -> rasp.SOp:
    """Whether a symbol occurs twice and the last two are equal: the second implies the first."""
    return both(lambda a, b: a and b, two_equal(), last_two_equal(), "repeated_and_rising")


def most_frequent() -> rasp.SOp:
    """Whether one's own symbol is as frequent as any."""
    size = lib.make_hist().named("size")
    more = rasp.SelectorWidth(rasp.Select(size, size, rasp.Comparison.GT)).named("more_frequent")
    return both(lambda count, symbol: BLANK if count else symbol, more, rasp.tokens, "most_frequent")


def second_largest() -> rasp.SOp:
    """The second largest of distinct symbols, everywhere, less one's own."""
    above = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.GT)).named("above")
    second = rasp.Aggregate(rasp.Select(above, rasp.indices, lambda key, query: key == 1), rasp.tokens).named("second")
    return both(lambda own, other: other - own, rasp.tokens, second, "second_largest")


def distance_to_median() -> rasp.SOp:
    return both(lambda own, middle: abs(own - middle), rasp.tokens, median(), "distance_to_median")


def count_rises() -> rasp.SOp:
    rise = both(lambda before, now: before < now, neighbour(rasp.tokens, -1, "before"), rasp.tokens, "rise")
    return count_true(rise, "count_rises")


def local_peaks() -> rasp.SOp:
    """How many symbols exceed both neighbours."""
    over_left = both(lambda a, b: b > a, neighbour(rasp.tokens, -1, "left"), rasp.tokens, "over_left")
    over_right = both(lambda a, b: b > a, neighbour(rasp.tokens, 1, "right"), rasp.tokens, "over_right")
    return count_true(both(lambda a, b: a and b, over_left, over_right, "peak"), "local_peaks")


def distinct_count() -> rasp.SOp:
    """How many different symbols there are."""
    first = rasp.Map(lambda count: count == 0, earlier_copies("distinct")).named("is_first")
    return count_true(first, "distinct_count")


def small_cancellation() -> rasp.SOp:
    """The share of odd symbols so far less 0.9 times the share of symbols above 2: two numbers that nearly cancel."""
    odd = lib.make_frac_prevs(rasp.Map(lambda symbol: symbol % 2 == 1, rasp.tokens).named("odd")).named("odd_share")
    high = lib.make_frac_prevs(rasp.Map(lambda symbol: symbol > 2, rasp.tokens).named("high")).named("high_share")
    return rasp.numerical(rasp.LinearSequenceMap(rasp.numerical(odd), rasp.numerical(high), 1, -0.9)).named("balance")


def two_hops_sorted() -> rasp.SOp:
    """The ranks of symbols, followed as addresses twice."""
    rank = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LT)).named("rank")
    once = rasp.Aggregate(rasp.Select(rasp.indices, rank, rasp.Comparison.EQ), rank).named("rank_of_rank")
    return rasp.Aggregate(rasp.Select(rasp.indices, once, rasp.Comparison.EQ), rasp.tokens).named("two_hops")


def _sum(one: rasp.SOp, other: rasp.SOp, name: str) -> rasp.SOp:
    return both(lambda a, b: a + b, one, other, name)


def panel() -> rasp.SOp:
    """How many of four predicates hold: ascending, descending, a symbol twice, parity that alternates."""
    return _sum(
        _sum(is_increasing(), is_descending(), "orders"), _sum(two_equal(), alternating_parity(), "others"), "panel"
    )


def jury() -> rasp.SOp:
    """How many of six predicates hold: those of the panel, no symbol above the first, an even number of kinds."""
    above = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.GT)).named("above")
    leads = rasp.Map(lambda count: count == 0, from_start(above, 0, "above_first")).named("leads")
    even = rasp.Map(lambda count: count % 2 == 0, distinct_count()).named("even_count")
    return _sum(panel(), _sum(leads, even, "leads_and_even"), "jury")


either_way = one_of(near_sorted(1), near_sorted(-1))
any_way = one_of(near_sorted(1), near_sorted(-1), independent_symbols)

COMPOSED: dict[str, Program] = {
    "ends_agree": Program("first two equal or large", ends_agree, DIGITS, 5, ignored=(2, 3, 4)),
    "majority": Program("two of three predicates", majority, DIGITS, 4),
    "nearly_or": Program("ascending or largest last", nearly_or, SIX, 4, near_sorted(1)),
    "either_order": Program("ascending or descending", either_order, SIX, 4, either_way),
    "repeated_and_rising": Program("a repeat and equal last two", repeated_and_rising, DIGITS, 4),
    "most_frequent": Program("most frequent symbols", most_frequent, DIGITS, 6),
    "second_largest": Program("second largest less the own", second_largest, SIX, 5, distinct_symbols),
    "distance_to_median": Program("distance to the median", distance_to_median, SIX, 5, distinct_symbols),
    "count_rises": Program("how many rises", count_rises, DIGITS, 5),
    "local_peaks": Program("how many peaks", local_peaks, DIGITS, 6),
    "distinct_count": Program("how many different symbols", distinct_count, DIGITS, 5),
    "small_cancellation": Program("shares that nearly cancel", small_cancellation, DIGITS, 6),
    "two_hops_sorted": Program("ranks followed twice", two_hops_sorted, SIX, 5, distinct_symbols),
    "panel": Program("how many of four predicates hold", panel, SIX, 4, any_way),
    "jury": Program("how many of six predicates hold", jury, SIX, 4, any_way),
}
