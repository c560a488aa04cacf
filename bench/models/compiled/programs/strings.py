"""What a program of the compiled zoo is: what it computes, over which strings, and how strings are drawn.

Strings have one length a program, so that nothing that depends on the length alone carries information. Two kinds of
programs can be asked for pairs on which nothing changes: one whose `alike` is given treats the symbols of each group
alike, and one whose `ignored` is given never looks at those positions. Clean and corrupted strings that differ there
alone leave every variable that matters unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from tracr.rasp import rasp

Symbol = str | int
String = tuple[Symbol, ...]


@dataclass(frozen=True)
class Program:
    """A program over strings of `length` symbols; `draw` makes one string, any string where it is not given."""

    title: str
    build: Callable[[], rasp.SOp]
    vocabulary: tuple[Symbol, ...]
    length: int
    draw: Callable[[Program, np.random.Generator], String] | None = None
    alike: tuple[tuple[Symbol, ...], ...] = ()
    ignored: tuple[int, ...] = ()
    repeats: bool = False
    """Whether strings of one kind are so few (balanced brackets) that two samples cannot be kept apart."""
    apart: bool = False
    """Whether selector widths are compiled apart (`bench.models.compiled.assembly`); else as Tracr does."""

    def string(self, rng: np.random.Generator) -> String:
        return self.draw(self, rng) if self.draw else independent_symbols(self, rng)


def independent_symbols(program: Program, rng: np.random.Generator) -> String:
    return tuple(program.vocabulary[i] for i in rng.integers(len(program.vocabulary), size=program.length))


def distinct_symbols(program: Program, rng: np.random.Generator) -> String:
    order = rng.permutation(len(program.vocabulary))[: program.length]
    return tuple(program.vocabulary[i] for i in order)


def near_balanced(program: Program, rng: np.random.Generator) -> String:
    """A shuffle of balanced brackets, in which with even odds one symbol is replaced by any."""
    symbols = balanced(program, rng)
    if rng.random() < 0.5:
        symbols[rng.integers(len(symbols))] = program.vocabulary[rng.integers(len(program.vocabulary))]
    return tuple(symbols)


def balanced(program: Program, rng: np.random.Generator) -> list[Symbol]:
    """A uniform choice among the next symbols that leave a balanced ending possible."""
    pairs = [program.vocabulary[i : i + 2] for i in range(0, len(program.vocabulary), 2)]
    depth, symbols = [0] * len(pairs), []
    for left in range(program.length, 0, -1):
        steps = [(i, -1) for i, open_brackets in enumerate(depth) if open_brackets]
        steps += [(i, 1) for i in range(len(pairs)) if sum(depth) < left]
        kind, step = steps[rng.integers(len(steps))]
        depth[kind] += step
        symbols.append(pairs[kind][step == -1])
    return symbols


def planted_pattern(pattern: Sequence[Symbol]) -> Callable[[Program, np.random.Generator], String]:
    """Any string, in which with odds of three in four the pattern stands somewhere."""

    def draw(program: Program, rng: np.random.Generator) -> String:
        symbols = list(independent_symbols(program, rng))
        if rng.random() < 0.75:
            start = rng.integers(program.length - len(pattern) + 1)
            symbols[start : start + len(pattern)] = pattern
        return tuple(symbols)

    return draw


def unchanged(program: Program, string: String, rng: np.random.Generator) -> String:
    """Another string on which the program computes the same: other symbols at ignored positions, or alike ones."""
    return swap_ignored(program, string, rng) if program.ignored else swap_alike(program, string, rng)


def swap_ignored(program: Program, string: String, rng: np.random.Generator) -> String:
    """Every symbol at an ignored position exchanged for another."""
    places = enumerate(string)
    return tuple(_other(program.vocabulary, symbol, rng) if i in program.ignored else symbol for i, symbol in places)


def swap_alike(program: Program, string: String, rng: np.random.Generator) -> String:
    """Every symbol exchanged for another of its group."""
    return tuple(_other(next(group for group in program.alike if symbol in group), symbol, rng) for symbol in string)


def _other(group: tuple[Symbol, ...], symbol: Symbol, rng: np.random.Generator) -> Symbol:
    others = [member for member in group if member != symbol]
    return others[rng.integers(len(others))]


def near_sorted(sign: int) -> Callable[[Program, np.random.Generator], String]:
    """Symbols in ascending (sign 1) or descending order, in which with even odds one is replaced by any."""

    def draw(program: Program, rng: np.random.Generator) -> String:
        symbols = sorted(distinct_symbols(program, rng), reverse=sign < 0)
        if rng.random() < 0.5:
            symbols[rng.integers(len(symbols))] = program.vocabulary[rng.integers(len(program.vocabulary))]
        return tuple(symbols)

    return draw


def twins(program: Program, rng: np.random.Generator) -> String:
    """One symbol throughout, in which with even odds one is replaced by any."""
    symbols = [program.vocabulary[rng.integers(len(program.vocabulary))]] * program.length
    if rng.random() < 0.5:
        symbols[rng.integers(len(symbols))] = program.vocabulary[rng.integers(len(program.vocabulary))]
    return tuple(symbols)


def one_of(
    *draws: Callable[[Program, np.random.Generator], String],
) -> Callable[[Program, np.random.Generator], String]:
    """One way of drawing strings or another, with equal odds."""

    def draw(program: Program, rng: np.random.Generator) -> String:
        return draws[rng.integers(len(draws))](program, rng)

    return draw
