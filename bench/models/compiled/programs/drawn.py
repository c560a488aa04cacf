"""Random RASP programs: well typed, not constant, every reading of them needed on some pair of strings.

A program is drawn from the root down to a given depth. What the compiler would get wrong is never drawn: a fetch
selects exactly one position, numbers are shares of positions and sums of them and are read by nothing but sums. Drawn
trees are rejected until what they read is of use (`faults`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from bench.models.compiled.programs.expressions import Reading, Variable, alike, readings
from bench.models.compiled.programs.strings import Program

SAMPLE = 400  # pairs of strings on which a tree is judged
DRAWS = 20_000
HEADS = ("fetch", "count", "share")  # what takes a head; without any, nothing is there to discover among positions
WIDEST = 64  # combinations of values that one sequence map may tell apart: each is a unit of an MLP


@dataclass(frozen=True)
class Shape:
    """What is asked of a drawn program.

    `depth` is the longest chain of computations, `branching` the chance that a second operand is computed and not an
    input, `reads` the least and the largest number of readings of variables that depend on the string. With
    `sparsity` the tables of sequence maps hold mostly one value, so that what they read matters seldom; `rarest` is
    the least and the largest share of pairs on which the reading that matters least does. A `numerical` program ends
    in a weighted sum of shares. With `kinds`, symbols come in so many kinds and nothing tells those of one kind apart.
    With `fixed`, heads select by position alone and move values, so that no softmax depends on the string.
    """

    depth: int
    branching: float
    reads: tuple[int, int]
    sparsity: float = 0.0
    rarest: tuple[float, float] = (0.05, 1.0)
    numerical: bool = False
    kinds: int = 0
    fixed: bool = False
    symbols: int = 4
    length: int = 5


def draw(shape: Shape, rng: np.random.Generator) -> Variable:
    """A random program of a shape; raises `ValueError` where `DRAWS` trees hold none."""
    artist = _Artist(shape, rng)
    for _ in range(DRAWS):
        tree = artist.root()
        if not faults(tree, shape, rng):
            return tree
    raise ValueError(f"{DRAWS} draws hold no program of {shape}; ask for less")


def program_of(tree: Variable, shape: Shape) -> Program:
    """A drawn tree as a program of the compiled zoo."""
    groups = alike(tree) if shape.kinds else ()
    return Program("drawn", tree.expression, tuple(range(shape.symbols)), shape.length, alike=groups, apart=True)


def faults(tree: Variable, shape: Shape, rng: np.random.Generator) -> tuple[str, ...]:
    """Why a tree is not a program of a shape, by a sample of pairs of strings; nothing where it is."""
    early = _shallow_faults(tree, shape)
    if early:
        return early
    clean, donors = rng.integers(shape.symbols, size=(2, SAMPLE, shape.length))
    found = readings(tree, clean, donors)
    used = [reading for reading in found if reading.varies.any()]
    matter = [float(reading.matters.mean()) for reading in used]
    differ = (tree.on(clean) != tree.on(donors)).any(axis=1).mean()
    said = {
        "the output seldom differs": differ < 0.3,
        "no head": not any(node.kind in HEADS for node in tree.nodes()),
        "too few or too many readings": not shape.reads[0] <= len(used) <= shape.reads[1],
        "a reading matters too seldom": min(matter, default=0.0) < shape.rarest[0],
        "no reading matters seldom enough": min(matter, default=0.0) > shape.rarest[1],
        "a computation does not depend on the string": _idle(tree, found),
    }
    return tuple(fault for fault, holds in said.items() if holds)


def _shallow_faults(tree: Variable, shape: Shape) -> tuple[str, ...]:
    """What can be told of a tree without running it."""
    said = {
        "another depth": tree.depth != shape.depth,
        "a sequence map of one variable with itself": any(_reads_one_twice(node) for node in tree.nodes()),
        "a sequence map of too many values": any(np.size(node.table) > WIDEST for node in tree.nodes()),
        "symbols of one kind are told apart": bool(shape.kinds) and min(map(len, alike(tree))) < 2,
    }
    return tuple(fault for fault, holds in said.items() if holds)


def _reads_one_twice(node: Variable) -> bool:
    kinds = [child.kind for child in node.children if not child.children]
    return node.kind == "sequence_map" and len(kinds) == 2 and len(set(kinds)) == 1


def _idle(tree: Variable, found: list[Reading]) -> bool:
    """Whether some computed variable is the same on all strings."""
    return any(reading.reader.children[reading.place].children and not reading.varies.any() for reading in found)


@dataclass(frozen=True)
class _Artist:
    shape: Shape
    rng: np.random.Generator

    def root(self) -> Variable:
        return self._number(self.shape.depth) if self.shape.numerical else self._computed(self.shape.depth)

    def _computed(self, depth: int) -> Variable:
        """A categorical variable at most `depth` computations deep."""
        if depth == 0:
            return self._tokens()
        kinds = [kind for kind in KINDS if not (self.shape.fixed and kind == "count")]
        odds = np.array([KINDS[kind] for kind in kinds])
        kind = kinds[self.rng.choice(len(kinds), p=odds / odds.sum())]
        return PAINT[kind](self, depth)

    def _tokens(self) -> Variable:
        return Variable("tokens", self.shape.symbols)

    def _indices(self) -> Variable:
        return Variable("indices", self.shape.length)

    def _operand(self, depth: int) -> Variable:
        """A second operand: computed with the odds of `branching`, else an input."""
        if depth > 1 and self.rng.random() < self.shape.branching:
            return self._computed(int(self.rng.integers(1, depth)))
        return self._tokens() if self.rng.random() < 0.7 else self._indices()

    def _both(self, depth: int) -> tuple[Variable, Variable]:
        """One operand of full depth and another, in either order."""
        pair = self._computed(depth - 1), self._operand(depth)
        return pair if self.rng.random() < 0.5 else pair[::-1]

    def _map(self, depth: int) -> Variable:
        child = self._computed(depth - 1)
        return self._tabled("map", (child,), int(self.rng.integers(2, 4)))

    def _sequence_map(self, depth: int) -> Variable:
        return self._tabled("sequence_map", self._both(depth), int(self.rng.integers(2, 5)), self.shape.sparsity)

    def _fetch(self, depth: int) -> Variable:
        address, value = (self._indices(), self._computed(depth - 1)) if self.shape.fixed else self._both(depth)
        if value.kind == "indices":
            address, value = value, address
        if self.shape.kinds and value.kind == "tokens":
            value = self._map(1)
        table = self.rng.integers(self.shape.length, size=self._classes(address).max() + 1)
        return Variable("fetch", value.size, (address, value), table[self._classes(address)])

    def _count(self, depth: int) -> Variable:
        query, key = self._both(depth)
        return Variable("count", self.shape.length + 1, (query, key), self._relation(query, key))

    def _number(self, depth: int) -> Variable:
        """A weighted sum of two shares, or below the root perhaps one share."""
        if depth > 3 or depth == self.shape.depth:
            other = self._share(int(self.rng.integers(2, depth)))
            factors = np.array([1.0, -1.0 + 0.1 * self.rng.integers(-3, 4)])
            return Variable("weighted", 0, (self._number(depth - 1), other), factors)
        return self._share(depth)

    def _share(self, depth: int) -> Variable:
        query, key = self._operand(depth), self._operand(depth)
        number = self._tabled("flag", (self._computed(depth - 2),), 2)
        return Variable("share", 0, (query, key, number), self._relation(query, key))

    def _tabled(self, kind: str, children: tuple[Variable, ...], size: int, sparsity: float = 0.0) -> Variable:
        """A variable whose table takes at most `size` values, at least two of them."""
        classes = [self._classes(child) for child in children]
        while True:
            table = self.rng.integers(size, size=[found.max() + 1 for found in classes])
            table[self.rng.random(table.shape) < sparsity] = 0
            used, dense = np.unique(table, return_inverse=True)
            if len(used) > 1:
                whole = dense.reshape(table.shape)[np.ix_(*classes)]
                return Variable(kind, 0 if kind == "flag" else len(used), children, whole)

    def _relation(self, query: Variable, key: Variable) -> np.ndarray:
        rows, columns = self._classes(query), self._classes(key)
        table = self.rng.random((rows.max() + 1, columns.max() + 1)) < self.rng.uniform(0.3, 0.6)
        return table[np.ix_(rows, columns)]

    def _classes(self, variable: Variable) -> Int[np.ndarray, "values"]:
        """What a table may tell apart: every value, or of symbols only their kinds."""
        if variable.kind == "tokens" and self.shape.kinds:
            return np.arange(variable.size) % self.shape.kinds
        return np.arange(variable.size)


KINDS = {"map": 1.0, "sequence_map": 3.0, "fetch": 2.0, "count": 3.0}
PAINT: dict[str, Callable[[_Artist, int], Variable]] = {
    "map": _Artist._map,
    "sequence_map": _Artist._sequence_map,
    "fetch": _Artist._fetch,
    "count": _Artist._count,
}
