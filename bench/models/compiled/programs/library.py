"""Programs of Tracr's library (`tracr.compiler.lib`) and programs of ours that are built from it."""

from __future__ import annotations

from collections.abc import Sequence

from tracr.compiler import lib
from tracr.rasp import rasp

from bench.models.compiled.programs.strings import Program, distinct_symbols, near_balanced, planted_pattern


def sort() -> rasp.SOp:
    return lib.make_sort(rasp.tokens, rasp.tokens, max_seq_len=5, min_key=1)


def sort_unique() -> rasp.SOp:
    return lib.make_sort_unique(rasp.tokens, rasp.tokens)


def sort_frequency() -> rasp.SOp:
    return lib.make_sort_freq(5)


def pair_balance() -> rasp.SOp:
    return lib.make_pair_balance(rasp.tokens, "(", ")")


def shuffle_dyck() -> rasp.SOp:
    return lib.make_shuffle_dyck(["()"])


def shuffle_dyck2() -> rasp.SOp:
    return lib.make_shuffle_dyck2()


def count_rare() -> rasp.SOp:
    return lib.make_count_less_freq(2)


def detect_pattern() -> rasp.SOp:
    return lib.detect_pattern(rasp.tokens, "aba")


def follow(hops: int) -> rasp.SOp:
    """Tokens are addresses (of positions): the address found after following `hops` addresses."""
    at = rasp.tokens
    for hop in range(hops):
        here = rasp.Select(rasp.indices, at, rasp.Comparison.EQ)
        at = rasp.Aggregate(here, rasp.tokens).named(f"address_{hop + 1}")
    return at


def follow_addresses() -> rasp.SOp:
    return follow(3)


def rising_fraction() -> rasp.SOp:
    """The fraction of positions so far whose symbol exceeds the one before."""
    left = rasp.Select(rasp.indices, rasp.indices, lambda key, query: key == max(query - 1, 0))
    before = rasp.Aggregate(left, rasp.tokens).named("before")
    rises = rasp.SequenceMap(lambda now, last: now > last, rasp.tokens, before).named("rises")
    return lib.make_frac_prevs(rasp.Map(lambda rise: rise, rises))


def repeated_fraction() -> rasp.SOp:
    """The fraction of positions so far whose symbol occurs more than once in the string."""
    repeated = (lib.make_hist() > 1).named("repeated")
    return lib.make_frac_prevs(rasp.numerical(repeated))


def palindrome() -> rasp.SOp:
    """The share of positions that equal their mirror position."""
    mirror = lib.make_reverse(rasp.tokens)
    matches = rasp.SequenceMap(lambda a, b: a == b, mirror, rasp.tokens).named("matches")
    everywhere = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.TRUE)
    matched = rasp.numerical(rasp.Map(lambda match: match, matches))
    return rasp.numerical(rasp.Aggregate(everywhere, matched, default=0)).named("matched_share")


def sort_descending() -> rasp.SOp:
    """Distinct symbols, the largest first."""
    larger = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.GT)).named("larger")
    return rasp.Aggregate(rasp.Select(larger, rasp.indices, rasp.Comparison.EQ), rasp.tokens).named("descending")


def next_larger() -> rasp.SOp:
    """The symbol that comes next after one's own in ascending order (distinct symbols; none for the largest)."""
    smaller = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LT)).named("rank")
    after = rasp.Select(smaller, smaller, lambda key, query: key == query + 1)
    return rasp.Aggregate(after, rasp.tokens).named("next_larger")


def vowel_balance() -> rasp.SOp:
    """The fraction of vowels so far minus the fraction of consonants other than y."""
    vowels = lib.make_frac_prevs(rasp.Map(lambda symbol: symbol in ("a", "e"), rasp.tokens))
    others = lib.make_frac_prevs(rasp.Map(lambda symbol: symbol in ("b", "d"), rasp.tokens))
    return rasp.numerical(rasp.LinearSequenceMap(rasp.numerical(vowels), rasp.numerical(others), 1, -1))


def kind_count() -> rasp.SOp:
    """How many symbols are of the kind (vowel, consonant, letter y) of one's own, and of those how many are rare."""
    kinds = ("ae", "bd", "yz")
    same = rasp.Select(rasp.tokens, rasp.tokens, lambda key, query: _kind(kinds, key) == _kind(kinds, query))
    size = rasp.SelectorWidth(same).named("kind_size")
    return rasp.SelectorWidth(rasp.Select(size, size, lambda key, query: key <= 2)).named("rare_kinds")


def _kind(kinds: Sequence[str], symbol: str) -> int:
    return next(number for number, kind in enumerate(kinds) if symbol in kind)


LETTERS = ("a", "e", "b", "d", "y", "z")
GROUPS = (("a", "e"), ("b", "d"), ("y", "z"))

LIBRARY: dict[str, Program] = {
    "sort": Program("sort with repeats", sort, (1, 2, 3, 4), 5),
    "sort_unique": Program("sort distinct symbols", sort_unique, (1, 2, 3, 4, 5, 6), 5, distinct_symbols),
    "sort_descending": Program("sort, largest first", sort_descending, (1, 2, 3, 4, 5, 6), 5, distinct_symbols),
    "sort_frequency": Program("sort by frequency", sort_frequency, (1, 2, 3), 5),
    "pair_balance": Program("running balance of brackets", pair_balance, ("(", ")", "a", "b"), 6),
    "shuffle_dyck": Program("balanced brackets", shuffle_dyck, ("(", ")"), 6, near_balanced, repeats=True),
    "shuffle_dyck2": Program(
        "two kinds of balanced brackets", shuffle_dyck2, ("(", ")", "{", "}"), 4, near_balanced, repeats=True
    ),
    "count_rare": Program("how many symbols are rare", count_rare, ("a", "b", "c", "d"), 6),
    "detect_pattern": Program(
        "end of the pattern aba", detect_pattern, ("a", "b", "c"), 6, planted_pattern(("a", "b", "a"))
    ),
    "follow_addresses": Program("follow three addresses", follow_addresses, (0, 1, 2, 3, 4), 5),
    "rising_fraction": Program("share of rises so far", rising_fraction, (1, 2, 3, 4), 6),
    "repeated_fraction": Program("share of repeated symbols so far", repeated_fraction, ("a", "b", "c", "d"), 6),
    "palindrome": Program("share of positions that mirror", palindrome, ("a", "b", "c"), 5),
    "next_larger": Program("next larger symbol", next_larger, (1, 2, 3, 4, 5, 6), 5, distinct_symbols),
    "vowel_balance": Program("vowels against consonants", vowel_balance, LETTERS, 6, alike=GROUPS),
    "kind_count": Program("how many symbols are of rare kinds", kind_count, LETTERS, 6, alike=GROUPS),
}
