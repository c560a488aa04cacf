"""Families of RASP programs: each computes one function of strings in several ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise, product
from typing import Any

from tracr.rasp import rasp

from bench.models.compiled.programs.public import both, count_true, from_start, neighbour, none_true

Build = Callable[[], rasp.SOp]
Tree = Any
"""A leaf's number, or a pair of trees."""


@dataclass(frozen=True)
class Family:
    """Programs that agree on every string of `length` symbols of the vocabulary."""

    title: str
    vocabulary: tuple[Any, ...]
    length: int
    algorithms: Mapping[str, Build]

    def strings(self) -> list[tuple[Any, ...]]:
        """Every string."""
        return list(product(self.vocabulary, repeat=self.length))


def symbols(count: int) -> list[rasp.SOp]:
    """The symbols at the first places, each everywhere."""
    return [from_start(rasp.tokens, place, f"symbol{place}") for place in range(count)]


def trees(leaves: tuple[int, ...]) -> Iterator[Tree]:
    """Every way to combine the leaves two by two, where the order of two does not count."""
    if len(leaves) == 1:
        yield leaves[0]
        return
    first, others = leaves[0], leaves[1:]
    for size in range(len(others)):
        for more in combinations(others, size):
            left, right = (first, *more), tuple(leaf for leaf in others if leaf not in more)
            yield from product(trees(left), trees(right))


def in_order(tree: Tree, leaves: list[rasp.SOp], combine: Callable[[Any, Any], Any]) -> rasp.SOp:
    """Symbols combined as a tree says; a step is named by the leaves below it."""
    if isinstance(tree, int):
        return leaves[tree]
    left, right = (in_order(part, leaves, combine) for part in tree)
    return both(combine, left, right, "step" + "".join(map(str, leaves_of(tree))))


def leaves_of(tree: Tree) -> list[int]:
    return [tree] if isinstance(tree, int) else [leaf for part in tree for leaf in leaves_of(part)]


def depth(tree: Tree) -> int:
    return 0 if isinstance(tree, int) else 1 + max(map(depth, tree))


def by_trees(count: int, combine: Callable[[Any, Any], Any], deepest: int | None = None) -> dict[str, Build]:
    """One algorithm a tree, those of least depth alone where `deepest` says so."""
    chosen = [tree for tree in trees(tuple(range(count))) if deepest is None or depth(tree) <= deepest]
    return {f"tree {tree}": partial(_tree, tree, count, combine) for tree in chosen}


def _tree(tree: Tree, count: int, combine: Callable[[Any, Any], Any]) -> rasp.SOp:
    return in_order(tree, symbols(count), combine)


def sums(modulus: int, places: int, deepest: int | None = None) -> Family:
    """(s_0 + ... + s_n) mod m everywhere: addition is associative, and what is added first is a variable."""
    add = lambda one, other: (one + other) % modulus  # noqa: E731
    title = f"sum of {places} symbols mod {modulus}"
    return Family(title, tuple(range(modulus)), places, by_trees(places, add, deepest))


SEQUENCE = 4  # symbols of a string in the families below


def ascending_by_neighbours() -> rasp.SOp:
    """No symbol is below the one before it."""
    before = neighbour(rasp.tokens, -1, "before")
    return none_true(both(lambda one, other: one > other, before, rasp.tokens, "falls"), "none_falls")


def ascending_by_inversions() -> rasp.SOp:
    """No symbol has a larger one anywhere before it."""
    place = both(lambda symbol, at: (symbol, at), rasp.tokens, rasp.indices, "place")
    larger = rasp.SelectorWidth(rasp.Select(place, place, lambda key, query: key[0] > query[0] and key[1] < query[1]))
    return none_true(rasp.Map(lambda count: count > 0, larger.named("larger")).named("overtaken"), "none_overtaken")


def ascending_by_running() -> rasp.SOp:
    """The last symbol so far is carried along, and lost once one is smaller."""
    carried, *others = symbols(SEQUENCE)
    for place, symbol in enumerate(others, 1):
        carried = both(lambda last, now: now if last <= now else FALLEN, carried, symbol, f"carried{place}")
    return rasp.Map(lambda last: last != FALLEN, carried).named("risen")


FALLEN = 99


def ascending_by_pairs() -> rasp.SOp:
    """Three comparisons of symbols fetched from their places."""
    found = symbols(SEQUENCE)
    rises = [both(lambda one, other: one <= other, *two, name=f"rise{at}") for at, two in enumerate(pairwise(found))]
    return in_order(((0, 1), 2), rises, lambda one, other: one and other)


def palindrome_by_mirror() -> rasp.SOp:
    """No symbol differs from the one opposite."""
    opposite = rasp.Select(rasp.indices, rasp.indices, lambda key, query: key == SEQUENCE - 1 - query)
    mate = rasp.Aggregate(opposite, rasp.tokens).named("mate")
    return none_true(both(lambda own, other: own != other, rasp.tokens, mate, "differs"), "none_differs")


def palindrome_by_pairs() -> rasp.SOp:
    """The outer two agree, and so do the inner two."""
    a, b, c, d = symbols(SEQUENCE)
    equal = lambda one, other: one == other  # noqa: E731
    return both(lambda one, other: one and other, both(equal, a, d, "outer"), both(equal, b, c, "inner"), "agree")


def palindrome_by_halves() -> rasp.SOp:
    """The first half is the second one reversed."""
    a, b, c, d = symbols(SEQUENCE)
    pair = lambda one, other: (one, other)  # noqa: E731
    return both(lambda one, other: one == other, both(pair, a, b, "first"), both(pair, d, c, "second"), "alike")


def palindrome_by_steps() -> rasp.SOp:
    """The second symbol is kept if the outer two agree, and compared with the third."""
    a, b, c, d = symbols(SEQUENCE)
    outer = both(lambda one, other: one == other, a, d, "outer")
    kept = both(lambda agree, symbol: symbol if agree else FALLEN, outer, b, "kept")
    return both(lambda one, other: one == other, kept, c, "closed")


def recurs_by_histogram() -> rasp.SOp:
    """The first symbol's own count is more than one."""
    same = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)).named("copies")
    return rasp.Map(lambda count: count > 1, from_start(same, 0, "copies_of_first")).named("recurs")


def recurs_by_flags() -> rasp.SOp:
    """More than one position holds the first symbol."""
    is_first = both(lambda own, other: own == other, rasp.tokens, from_start(rasp.tokens, 0, "first"), "is_first")
    return rasp.Map(lambda count: count > 1, count_true(is_first, "firsts")).named("recurs")


def recurs_by_pairs() -> rasp.SOp:
    """The first symbol is compared with each other one."""
    first, *others = symbols(SEQUENCE)
    equal = [both(lambda one, two: one == two, first, symbol, f"is{at}") for at, symbol in enumerate(others, 1)]
    return in_order(((0, 1), 2), equal, lambda one, other: one or other)


def recurs_by_search() -> rasp.SOp:
    """The first symbol is carried along, and replaced by a mark once it is met again."""
    carried, *others = symbols(SEQUENCE)
    for place, symbol in enumerate(others, 1):
        carried = both(lambda last, now: FALLEN if last == now else last, carried, symbol, f"carried{place}")
    return rasp.Map(lambda last: last == FALLEN, carried).named("met")


def maximum_by_counting() -> rasp.SOp:
    """The symbol that none exceeds."""
    above = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.GT)).named("above")
    return rasp.Aggregate(rasp.Select(above, rasp.indices, lambda key, query: key == 0), rasp.tokens).named("maximum")


def guarded_sum(guard: Callable[[Any, Any], bool], modulus: int) -> rasp.SOp:
    """((s_0 + s_1) + s_2) + s_3, but where the guard holds of the last two, s_1 is added at the end."""
    add = lambda one, other: (one + other) % modulus  # noqa: E731
    a, b, c, d = symbols(SEQUENCE)
    late = both(guard, c, d, "late")
    pair = both(lambda one, other: (one, other), a, b, "pair")
    early = both(lambda two, wait: two[0] if wait else (two[0] + two[1]) % modulus, pair, late, "early")
    rest = both(lambda symbol, wait: symbol if wait else 0, b, late, "rest")
    return both(add, both(add, both(add, early, c, "with2"), rest, "with1"), d, "total")


def _seldom() -> Family:
    """Sums of which some wait with the second symbol, on one string in 25 or on those with another pair."""
    base = sums(5, SEQUENCE)
    chain = base.algorithms["tree (((0, 1), 2), 3)"]
    marks = {"last two 4": (4, 4), "last two 0 and 1": (0, 1), "last two 3 and 2": (3, 2)}
    waits = {name: partial(guarded_sum, partial(_is, mark), 5) for name, mark in marks.items()}
    return Family("sum of four symbols mod 5", base.vocabulary, SEQUENCE, {"chain": chain, **waits})


def _is(mark: tuple[int, int], one: int, other: int) -> bool:
    return (one, other) == mark


THREE = (0, 1, 2)
FAMILIES: dict[str, Family] = {
    "sums_three": sums(5, 3),
    "sums_four": sums(3, 4),
    "sums_balanced": sums(4, 4, deepest=2),
    "ascending": Family(
        "ascending?", THREE, SEQUENCE,
        {
            "neighbours": ascending_by_neighbours, "inversions": ascending_by_inversions,
            "running": ascending_by_running, "pairs": ascending_by_pairs,
        },
    ),
    "palindrome": Family(
        "palindrome?", THREE, SEQUENCE,
        {
            "mirror": palindrome_by_mirror, "pairs": palindrome_by_pairs, "halves": palindrome_by_halves,
            "steps": palindrome_by_steps,
        },
    ),
    "recurs": Family(
        "does the first symbol recur?", THREE, SEQUENCE,
        {
            "histogram": recurs_by_histogram, "flags": recurs_by_flags, "pairs": recurs_by_pairs,
            "search": recurs_by_search,
        },
    ),
    "maximum": Family(
        "largest symbol", THREE, SEQUENCE, {"counting": maximum_by_counting, **by_trees(SEQUENCE, max)}
    ),
    "seldom": _seldom(),
}  # fmt: skip
