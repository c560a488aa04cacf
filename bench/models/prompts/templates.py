"""Templates that prompts in several vocabularies share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.models.prompts import Pair


def pick(rng: np.random.Generator, words: Sequence[str], count: int = 1) -> list[str]:
    """Different words."""
    return [words[number] for number in rng.choice(len(words), count, replace=False)]


def repeated(rng: np.random.Generator, words: Sequence[str]) -> Pair:
    """Eight words in random order, twice: what came next the first time? In the corrupted text one word is another."""
    *drawn, other = pick(rng, words, 9)
    at = int(rng.integers(1, 7))
    changed = [*drawn[:at], other, *drawn[at + 1 :]]
    clean, corrupted = (" ".join([*first, *drawn[:at]]) for first in (drawn, changed))
    return Pair(clean, corrupted, (f" {drawn[at]}",), (f" {other}",))


def giving(rng: np.random.Generator, names: Sequence[str], places: Sequence[str], things: Sequence[str]) -> Pair:
    """Who gets it? The corrupted text has the giver and the receiver exchanged."""
    first, second = pick(rng, names, 2)
    place, thing = pick(rng, places)[0], pick(rng, things)[0]
    clean, corrupted = (
        f"{first} and {second} went to the {place}. {giver} gave the {thing} to" for giver in (first, second)
    )
    return Pair(clean, corrupted, (f" {second}",), (f" {first}",))
