"""What small models are trained to do: strings, where an answer is asked, and which answers are right there.

A model is trained to spread its probability evenly over the right answers, of which there is mostly one. Its behaviour
is measured by how often its largest output is a right one where one is asked, on strings that it was not trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int

from bench.models.checkpoint import Config
from bench.models.fitting import Pace


@dataclass(frozen=True)
class Strings:
    """Strings; `right` is False in every output where nothing is asked."""

    tokens: Int[np.ndarray, "examples pos"]
    right: Bool[np.ndarray, "examples pos outputs"]

    @property
    def asked(self) -> Bool[np.ndarray, "examples pos"]:
        return np.asarray(self.right.any(axis=-1))

    def take(self, rows: np.ndarray) -> Strings:
        return Strings(self.tokens[rows], self.right[rows])


Draw = Callable[[int, np.random.Generator], Strings]


@dataclass(frozen=True)
class Behaviour:
    """What is trained: `draw` makes strings, or `all_of` holds every one there is, of which a seed's `share` trains.

    The weights that training starts from are drawn at `start` times unit scale, embeddings at `start_embed` times,
    biases at zero. Small embeddings bring generalisation forward (Liu et al. 2023, Omnigrok, ICLR).
    """

    title: str
    config: Config
    pace: Pace
    draw: Draw | None = None
    all_of: Callable[[int], Strings] | None = None
    share: float = 1.0
    start: float = 0.5
    start_embed: float = 0.5
    batch: int = 64
    least: int = 0  # steps that are trained at least, though it may pass before
    every: int = 200  # steps between measurements
    seeds: tuple[int, int, int] = (0, 1, 2)  # of the models that ship
    stages: tuple[int, ...] = ()  # seeds of which earlier stages ship too

    def scale(self, name: str) -> float:
        """What a tensor of the starting weights is multiplied by."""
        if name.endswith("_bias"):
            return 0.0
        return self.start_embed if name in ("embed", "pos") else self.start

    def training(self, seed: int) -> Draw:
        """How a step's strings are drawn; where all are known, every step takes all that train."""
        if self.draw is not None:
            return self.draw
        strings = self.split(seed)[0]
        return lambda count, rng: strings

    def fresh(self, seed: int, count: int, rng: np.random.Generator) -> Strings:
        """Strings that do not train; all strings where all of them do."""
        if self.draw is not None:
            return self.draw(count, rng)
        trained, held_out = self.split(seed)
        return held_out if len(held_out.tokens) else trained

    def split(self, seed: int) -> tuple[Strings, Strings]:
        """All strings in two: those that train the seed's model and the others."""
        assert self.all_of is not None, f"{self.title} draws its strings"
        strings = self.all_of(seed)
        order = np.random.default_rng([seed, 4]).permutation(len(strings.tokens))
        count = round(self.share * len(order))
        return strings.take(order[:count]), strings.take(order[count:])


def one_hot(answers: Int[np.ndarray, "examples pos"], outputs: int) -> Bool[np.ndarray, "examples pos outputs"]:
    """Right answers from their numbers; a negative number asks nothing."""
    return answers[..., None] == np.arange(outputs)


# Repeats ---------------------------------------------------------------------------------------------------------


def repeats(
    symbols: int, length: int, periods: tuple[int, int], count: int, rng: np.random.Generator
) -> tuple[Int[np.ndarray, "examples pos"], Int[np.ndarray, "examples"]]:
    """Strings that repeat a segment of different symbols, and the segments' lengths (drawn between two bounds)."""
    period = rng.integers(periods[0], periods[1] + 1, size=count)
    symbols_in_order = rng.permuted(np.tile(np.arange(symbols), (count, 1)), axis=1)
    return np.take_along_axis(symbols_in_order, np.arange(length) % period[:, None], axis=1), period


def following(tokens: Int[np.ndarray, "examples pos"], period: Int[np.ndarray, "examples"]) -> np.ndarray:
    """The symbol that followed the same symbol a period ago; -1 in the first period, where nothing tells it."""
    place = np.arange(tokens.shape[1])
    earlier = place - period[:, None] + 1
    return np.where(earlier > 0, np.take_along_axis(tokens, np.maximum(earlier, 0), axis=1), -1)


def draw_repeats(symbols: int, length: int) -> Draw:
    """The next symbol of a repeated segment of a quarter to half the string's length, from its second copy on."""

    def draw(count: int, rng: np.random.Generator) -> Strings:
        tokens, period = repeats(symbols, length, (length // 4, length // 2), count, rng)
        return Strings(tokens, one_hot(following(tokens, period), symbols))

    return draw


def draw_fixed(symbols: int, length: int, share: float) -> Draw:
    """As `draw_repeats`, but the first symbols, a `share` of all, ask for their own successor (one more) everywhere."""
    inner = draw_repeats(symbols, length)

    def draw(count: int, rng: np.random.Generator) -> Strings:
        strings = inner(count, rng)
        fixed = strings.tokens < round(share * symbols)
        own = one_hot((strings.tokens + 1) % symbols, symbols)
        return Strings(strings.tokens, np.where(fixed[..., None], own, strings.right))

    return draw


def draw_with_first(symbols: int, length: int) -> Draw:
    """As `draw_repeats`, but where symbol 0 stands the first symbol of the string is asked for."""
    inner = draw_repeats(symbols, length)

    def draw(count: int, rng: np.random.Generator) -> Strings:
        strings = inner(count, rng)
        first = one_hot(np.broadcast_to(strings.tokens[:, :1], strings.tokens.shape), symbols)
        return Strings(strings.tokens, np.where((strings.tokens == 0)[..., None], first, strings.right))

    return draw


# Addition --------------------------------------------------------------------------------------------------------


def sums(modulus: int) -> Strings:
    """All strings "a b =" with a + b modulo p asked at "=" (symbol p)."""
    a, b = np.divmod(np.arange(modulus**2), modulus)
    return _table(a, b, (a + b) % modulus, modulus)


def random_table(modulus: int, seed: int) -> Strings:
    """As `sums`, with answers that are drawn at random: nothing but a table can be learned."""
    a, b = np.divmod(np.arange(modulus**2), modulus)
    return _table(a, b, np.random.default_rng([seed, 5]).integers(modulus, size=modulus**2), modulus)


def _table(a: np.ndarray, b: np.ndarray, answer: np.ndarray, modulus: int) -> Strings:
    tokens = np.stack([a, b, np.full_like(a, modulus)], axis=1)
    nothing = np.full_like(answer, -1)
    return Strings(tokens, one_hot(np.stack([nothing, nothing, answer], axis=1), modulus))


# Brackets and greater-than ---------------------------------------------------------------------------------------

OPEN, CLOSE, END = 0, 1, 2


def draw_brackets(length: int) -> Draw:
    """Is the string of brackets balanced? Asked at its end; half of the strings are, the others nearly so."""

    def draw(count: int, rng: np.random.Generator) -> Strings:
        tokens = np.where(
            rng.random(count)[:, None] < 0.5, _balanced(length, count, rng), _shuffled(length, count, rng)
        )
        depth = np.cumsum(np.where(tokens == OPEN, 1, -1), axis=1)
        verdict = ((depth >= 0).all(axis=1) & (depth[:, -1] == 0)).astype(int)
        answers = np.full((count, length + 1), -1)
        answers[:, -1] = verdict
        return Strings(np.concatenate([tokens, np.full((count, 1), END)], axis=1), one_hot(answers, 2))

    return draw


def _balanced(length: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Balanced strings: open where nothing is open, close where all that is left must close, else even odds."""
    tokens, depth = np.zeros((count, length), int), np.zeros(count, int)
    for place in range(length):
        opens = (depth == 0) | ((depth < length - place) & (rng.random(count) < 0.5))
        tokens[:, place] = np.where(opens, OPEN, CLOSE)
        depth += np.where(opens, 1, -1)
    return tokens


def _shuffled(length: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Balanced strings with two places exchanged, or one bracket turned."""
    tokens, rows = _balanced(length, count, rng), np.arange(count)
    one, other = rng.integers(length, size=(2, count))
    swapped = tokens.copy()
    swapped[rows, one], swapped[rows, other] = tokens[rows, other], tokens[rows, one]
    turned = tokens.copy()
    turned[rows, one] = 1 - turned[rows, one]
    return np.where(rng.random(count)[:, None] < 0.5, swapped, turned)


def draw_greater(numbers: int, centuries: int) -> Draw:
    """ "c y to c": a later year of the same century is asked for at the end; all of them are right."""

    def draw(count: int, rng: np.random.Generator) -> Strings:
        year = rng.integers(numbers - 1, size=count)
        century = numbers + rng.integers(centuries, size=count)
        tokens = np.stack([century, year, np.full(count, numbers + centuries), century], axis=1)
        right = np.zeros((count, 4, numbers), bool)
        right[:, -1] = np.arange(numbers) > year[:, None]
        return Strings(tokens, right)

    return draw


# The list --------------------------------------------------------------------------------------------------------

REPEATING = Config(2, 2, 2, 32, 8, 0, 16, 16, 16)
QUICK = Pace(5e-3, (0.9, 0.98), warmup=50)
SPARE = replace(QUICK, decay=0.1)
ADDING = Pace(3e-3, (0.9, 0.98), decay=1.0, warmup=10)


def _repeating(title: str, heads: int, draw: Draw) -> Behaviour:
    return Behaviour(title, replace(REPEATING, n_heads=heads, n_kv_heads=heads), SPARE, draw, least=800)


def _adding(title: str, modulus: int, share: float, random: bool = False) -> Behaviour:
    config = Config(1, 4, 4, 64, 16, 128, modulus + 1, modulus, 3)
    every = (lambda seed: random_table(modulus, seed)) if random else (lambda seed: sums(modulus))
    pace = replace(ADDING, decay=0.0) if random else ADDING
    return Behaviour(title, config, pace, all_of=every, share=share, start_embed=0.15, every=50)


def _deciding(title: str, draw: Draw, vocabulary: int, outputs: int, length: int) -> Behaviour:
    config = Config(2, 4, 4, 32, 8, 64, vocabulary, outputs, length)
    return Behaviour(title, config, QUICK, draw)


BEHAVIOURS: Mapping[str, Behaviour] = {
    "repeats_two": _repeating("Repeats, two heads a layer", 2, draw_repeats(16, 16)),
    "repeats_four": _repeating("Repeats, four heads a layer", 4, draw_repeats(16, 16)),
    "repeats_fixed": _repeating("Repeats among symbols with successors of their own", 4, draw_fixed(16, 16, 0.4)),
    "repeats_first": _repeating("Repeats, and the first symbol where symbol 0 asks", 4, draw_with_first(16, 16)),
    "successors": _repeating("Successors alone, nothing of repeats", 4, draw_fixed(16, 16, 1.0)),
    "addition_17": _adding("Addition modulo 17", 17, 0.8),
    "addition_29": replace(_adding("Addition modulo 29", 29, 0.6), seeds=(0, 2, 5), stages=(0, 2, 3)),
    "table_17": _adding("A random table of 17 x 17 entries", 17, 1.0, random=True),
    "brackets": _deciding("Are the brackets balanced?", draw_brackets(12), 3, 2, 13),
    "greater_than": _deciding("A later year of the same century", draw_greater(20, 5), 26, 20, 4),
}
