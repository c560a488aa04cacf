"""Programs over small whole numbers, as trees of tables: what random RASP programs are made of.

A variable holds one value a position. Categorical variables take the values 0 to `size` - 1; numerical ones (`size` 0)
are shares of positions and weighted sums of them. Every function and every selector is a table, so that a program can
be evaluated on thousands of strings at once, written as RASP, and asked which symbols it treats alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Num, Shaped
from tracr.rasp import rasp

Values = Num[np.ndarray, "strings pos"]
Table = Shaped[np.ndarray, "..."]


@dataclass(frozen=True, eq=False)
class Variable:
    """A node of the tree. What `table` and `children` are depends on the kind:

    tokens, indices    the inputs
    map                table[value of the child]
    sequence_map       table[value of the first child, value of the second]
    fetch              children (address, value): the value at position table[address]
    count              children (query, key): how many positions have table[query, key]
    flag               as map, and the 0 or 1 is a number
    share              children (query, key, number): mean of the number where table[query, key]; 0 where nowhere
    weighted           table[0] * first child + table[1] * second child
    """

    kind: str
    size: int
    children: tuple[Variable, ...] = ()
    table: Table = field(default_factory=lambda: np.zeros(0))

    @property
    def depth(self) -> int:
        """The longest chain of computations from an input."""
        return 1 + max(child.depth for child in self.children) if self.children else 0

    def nodes(self) -> Iterator[Variable]:
        """The variable and all it is computed from, children first; inputs as often as they are read."""
        for child in self.children:
            yield from child.nodes()
        yield self

    def compute(self, values: Sequence[Values]) -> Values:
        """The variable's values from those of its children."""
        return COMPUTE[self.kind](self.table, *values)

    def on(self, strings: Int[np.ndarray, "strings pos"]) -> Values:
        """The variable on strings of symbols 0, 1, 2, ..."""
        return self.known_on(strings)[self]

    def known_on(self, strings: Int[np.ndarray, "strings pos"]) -> dict[Variable, Values]:
        """Every variable of the tree on strings."""
        inputs = {"tokens": strings, "indices": np.broadcast_to(np.arange(strings.shape[1]), strings.shape)}
        known: dict[Variable, Values] = {}
        for node in self.nodes():
            known[node] = (
                node.compute([known[child] for child in node.children]) if node.children else inputs[node.kind]
            )
        return known

    def expression(self) -> rasp.SOp:
        """The program in RASP, its variables named v0, v1, ... and the inputs by their own names."""
        numbered = enumerate(node for node in self.nodes() if node.children)
        return self._expression({node: f"v{number}" for number, node in numbered})

    def _expression(self, names: Mapping[Variable, str]) -> rasp.SOp:
        if not self.children:
            return rasp.tokens if self.kind == "tokens" else rasp.indices
        return BUILD[self.kind](self.table, *(child._expression(names) for child in self.children)).named(names[self])


def _at_address(table: Table, address: Values, value: Values) -> Values:
    return np.take_along_axis(value, table[address], axis=1)


def _selected(table: Table, query: Values, key: Values) -> Bool[np.ndarray, "strings queries keys"]:
    return table[query[:, :, None], key[:, None, :]]


def _count(table: Table, query: Values, key: Values) -> Values:
    return _selected(table, query, key).sum(axis=2)


def _share(table: Table, query: Values, key: Values, number: Values) -> Values:
    selected = _selected(table, query, key)
    return (selected * number[:, None, :]).sum(axis=2) / np.maximum(selected.sum(axis=2), 1)


COMPUTE: dict[str, Callable[..., Values]] = {
    "map": lambda table, value: table[value],
    "sequence_map": lambda table, first, second: table[first, second],
    "fetch": _at_address,
    "count": _count,
    "flag": lambda table, value: table[value],
    "share": _share,
    "weighted": lambda table, first, second: table[0] * first + table[1] * second,
}


def _looked_up(table: Table) -> Callable[..., int]:
    return lambda *values: int(table[values])


def _select(table: Table, query: rasp.SOp, key: rasp.SOp) -> rasp.Select:
    return rasp.Select(key, query, lambda key_value, query_value: bool(table[query_value, key_value]))


def _build_fetch(table: Table, address: rasp.SOp, value: rasp.SOp) -> rasp.SOp:
    there = rasp.Select(rasp.indices, address, lambda position, at: bool(position == table[at]))
    return rasp.Aggregate(there, value)


def _build_share(table: Table, query: rasp.SOp, key: rasp.SOp, number: rasp.SOp) -> rasp.SOp:
    return rasp.numerical(rasp.Aggregate(_select(table, query, key), number, default=0))


def _build_weighted(table: Table, first: rasp.SOp, second: rasp.SOp) -> rasp.SOp:
    return rasp.numerical(rasp.LinearSequenceMap(first, second, float(table[0]), float(table[1])))


BUILD: dict[str, Callable[..., Any]] = {
    "map": lambda table, child: rasp.Map(_looked_up(table), child, simplify=False),
    "sequence_map": lambda table, first, second: rasp.SequenceMap(_looked_up(table), first, second),
    "fetch": _build_fetch,
    "count": lambda table, query, key: rasp.SelectorWidth(_select(table, query, key)),
    "flag": lambda table, child: rasp.numerical(rasp.Map(_looked_up(table), child, simplify=False)),
    "share": _build_share,
    "weighted": _build_weighted,
}


@dataclass(frozen=True)
class Reading:
    """A variable's reading of its child number `place`, and on which pairs it matters.

    `varies` says where the child differs between the two strings, `matters` where the program's value changes when
    this reading alone is given the other string's value.
    """

    reader: Variable
    place: int
    varies: Bool[np.ndarray, "pairs"]
    matters: Bool[np.ndarray, "pairs"]


def readings(
    root: Variable, clean: Int[np.ndarray, "pairs pos"], donors: Int[np.ndarray, "pairs pos"]
) -> list[Reading]:
    """Every reading of a program with its interchanges; only what lies between it and the root is computed anew."""
    known, other = root.known_on(clean), root.known_on(donors)
    readers = {child: node for node in known for child in node.children}
    found = []
    for node in known:
        for place, child in enumerate(node.children):
            values = [known[one] for one in node.children]
            values[place] = other[child]
            changed = _propagated(node, node.compute(values), known, readers)
            found.append(Reading(node, place, _differ(known[child], other[child]), _differ(changed, known[root])))
    return found


def _propagated(
    node: Variable, value: Values, known: Mapping[Variable, Values], readers: Mapping[Variable, Variable]
) -> Values:
    """The root's value where a node has another one."""
    while node in readers:
        reader = readers[node]
        value = reader.compute([value if child is node else known[child] for child in reader.children])
        node = reader
    return value


def _differ(one: Values, other: Values) -> Bool[np.ndarray, "pairs"]:
    return (one != other).any(axis=1)


def alike(root: Variable) -> tuple[tuple[int, ...], ...]:
    """Groups of symbols that every reading of the tokens treats alike, so that no other variable tells them apart.

    Where tokens are moved whole (the value of a fetch) or are the output, every symbol is a group of its own.
    """
    read = [(node, place) for node in root.nodes() for place, child in enumerate(node.children) if _symbols(child)]
    symbols = range(next(node.size for node in root.nodes() if _symbols(node)))
    if _symbols(root) or any((node.kind, place) == ("fetch", 1) for node, place in read):
        return tuple((symbol,) for symbol in symbols)
    groups: dict[Any, list[int]] = {}
    for symbol in symbols:
        groups.setdefault(tuple(_row(node, place, symbol) for node, place in read), []).append(symbol)
    return tuple(tuple(group) for group in groups.values())


def _symbols(variable: Variable) -> bool:
    return variable.kind == "tokens"


def _row(node: Variable, place: int, symbol: int) -> tuple:
    """What a reader's table says of one symbol."""
    return tuple(np.take(node.table, symbol, axis=place).ravel().tolist())
