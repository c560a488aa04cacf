"""High-level causal models for strict interchange-intervention training, and the nodes that shall realise them.

A program is a short list of variables, each a function of the tokens and of earlier variables with one value at every
position; the last variable is the answer. Every variable belongs to one node of the transformer (a head or an MLP);
all other heads and MLPs are out of the circuit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int

from bench.models.checkpoint import Config
from bench.models.graph import INPUTS, source_names

Values = Mapping[str, np.ndarray]
BLANK = 0


@dataclass(frozen=True)
class Variable:
    """A variable, the node that carries it, and its values [batch, pos] given tokens and earlier variables."""

    name: str
    node: str
    compute: Callable[[np.ndarray, Values], np.ndarray]


@dataclass(frozen=True)
class Program:
    """A causal model with the shape of the transformer that is to realise it; `first_scored` is a position."""

    title: str
    variables: tuple[Variable, ...]
    symbols: int
    classes: int
    length: int = 6
    causal: bool = False
    layers: int = 2
    heads: int = 4
    width: int = 32
    first_scored: int = 0
    draw: Callable[[Program, int, np.random.Generator], np.ndarray] | None = None

    @cached_property
    def config(self) -> Config:
        return Config(
            n_layers=self.layers, n_heads=self.heads, n_kv_heads=self.heads, d_model=self.width,
            d_head=self.width // self.heads, d_mlp=2 * self.width, d_vocab=self.symbols, d_out=self.classes,
            n_ctx=self.length, causal=self.causal, activation="gelu",
        )  # fmt: skip

    @cached_property
    def outside(self) -> tuple[str, ...]:
        """Heads and MLPs that carry no variable."""
        inside = {variable.node for variable in self.variables}
        return tuple(node for node in source_names(self.config) if node not in INPUTS and node not in inside)

    @property
    def scored(self) -> np.ndarray:
        return np.arange(self.length) >= self.first_scored

    def strings(self, count: int, rng: np.random.Generator) -> Int[np.ndarray, "count pos"]:
        """Strings from the program's own distribution, uniform over symbols unless it says otherwise."""
        if self.draw is not None:
            return self.draw(self, count, rng)
        return rng.integers(self.symbols, size=(count, self.length))

    def values(self, tokens: Int[np.ndarray, "batch pos"], held: Values | None = None) -> dict[str, np.ndarray]:
        """Every variable, those in `held` at the values given instead of their own."""
        values: dict[str, np.ndarray] = {}
        for variable in self.variables:
            known = (held or {}).get(variable.name)
            values[variable.name] = variable.compute(tokens, values) if known is None else known
        return values

    def answer(self, tokens: Int[np.ndarray, "batch pos"], held: Values | None = None) -> Int[np.ndarray, "batch pos"]:
        """The class at every position."""
        return self.values(tokens, held)[self.variables[-1].name].astype(int)


def previous(tokens: np.ndarray) -> np.ndarray:
    """The token before; the first position has its own."""
    return np.concatenate([tokens[:, :1], tokens[:, :-1]], axis=1)


def seen_before(tokens: np.ndarray) -> np.ndarray:
    """Whether the token stands at an earlier position."""
    earlier = np.tri(tokens.shape[1], k=-1, dtype=bool)
    return ((tokens[:, :, None] == tokens[:, None, :]) & earlier).any(axis=2)


def after_last_match(tokens: np.ndarray, before: np.ndarray) -> np.ndarray:
    """One plus the token at the latest position whose predecessor `before` is the current token; 0 without one."""
    found = np.zeros_like(tokens)
    places = np.arange(tokens.shape[1])
    for source in range(1, tokens.shape[1]):
        hit = (before[:, source, None] == tokens) & (places >= source)
        found = np.where(hit, tokens[:, source, None] + 1, found)
    return found


def everywhere(column: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """A value for each string, repeated at all positions."""
    return np.broadcast_to(column[:, None], tokens.shape)


def share_so_far(flags: np.ndarray) -> np.ndarray:
    return np.cumsum(flags, axis=1) / np.arange(1, flags.shape[1] + 1)


NAMES, TO = 6, 11  # tokens 0 to 5 are names, 6 to 11 words


def draw_sentences(program: Program, count: int, rng: np.random.Generator) -> np.ndarray:
    """ "A and B went, S gave to": two different names in places 0 and 2, one of them again in place 4; the other words
    are drawn but for the last."""
    names = rng.permuted(np.tile(np.arange(NAMES), (count, 1)), axis=1)[:, :2]
    tokens = rng.integers(NAMES, TO, size=(count, program.length))
    tokens[:, 0], tokens[:, 2], tokens[:, -1] = names[:, 0], names[:, 1], TO
    tokens[:, 4] = names[np.arange(count), rng.integers(2, size=count)]
    return tokens


def last_same(tokens: np.ndarray) -> np.ndarray:
    """One plus the latest earlier place of the same token; 0 where there is none."""
    places = np.arange(tokens.shape[1])
    same = (tokens[:, :, None] == tokens[:, None, :]) & (places < places[:, None])
    return np.where(same, places + 1, 0).max(axis=2)


def repeated_place(tokens: np.ndarray, values: Values) -> np.ndarray:
    """Where the repeated name stood first, as `last_same` counts; names alone matter."""
    return everywhere(np.where(tokens < NAMES, values["same"], 0).max(axis=1), tokens)


def other_name(tokens: np.ndarray, values: Values) -> np.ndarray:
    """The name in place 2 where the repeated one stood in place 0, else the name in place 0."""
    return np.where(values["repeated"] == 1, tokens[:, 2:3], tokens[:, :1]) + np.zeros_like(tokens)


PROGRAMS = {
    "majority_so_far": Program(
        "Is symbol 0 the majority so far?",
        (Variable("is_zero", "m0", lambda t, v: t == 0),
         Variable("share", "a1.h2", lambda t, v: share_so_far(v["is_zero"])),
         Variable("answer", "m1", lambda t, v: v["share"] > 0.5)),
        symbols=3, classes=2, length=5, causal=True,
    ),
    "reverse": Program(
        "The string backwards",
        (Variable("mirror", "a0.h1", lambda t, v: t[:, ::-1]), Variable("answer", "m1", lambda t, v: v["mirror"])),
        symbols=5, classes=5,
    ),
    "repeat_of_previous": Program(
        "Equal to the symbol before?",
        (Variable("previous", "a0.h2", lambda t, v: previous(t)),
         Variable("answer", "m1", lambda t, v: v["previous"] == t)),
        symbols=5, classes=2, causal=True, first_scored=1,
    ),
    "induction": Program(
        "What followed the same symbol last time",
        (Variable("previous", "a0.h0", lambda t, v: previous(t)),
         Variable("next", "a1.h3", lambda t, v: after_last_match(t, v["previous"])),
         Variable("answer", "m1", lambda t, v: v["next"])),
        symbols=4, classes=5, length=7, causal=True, first_scored=1,
    ),
    "duplicates": Program(
        "Seen before?",
        (Variable("seen", "a0.h3", lambda t, v: seen_before(t)), Variable("answer", "m1", lambda t, v: v["seen"])),
        symbols=6, classes=2, causal=True, first_scored=1,
    ),
    "maximum": Program(
        "The largest symbol",
        (Variable("largest", "a0.h1", lambda t, v: everywhere(t.max(axis=1), t)),
         Variable("answer", "m0", lambda t, v: v["largest"])),
        symbols=5, classes=5, length=5,
    ),
    "greater_than_first": Program(
        "Larger than the first symbol?",
        (Variable("first", "a0.h0", lambda t, v: everywhere(t[:, 0], t)),
         Variable("answer", "m1", lambda t, v: t > v["first"])),
        symbols=6, classes=2, causal=True, first_scored=1,
    ),
    "count": Program(
        "How often symbol 0 occurs",
        (Variable("is_zero", "m0", lambda t, v: t == 0),
         Variable("count", "a1.h1", lambda t, v: everywhere(v["is_zero"].sum(axis=1), t)),
         Variable("answer", "m1", lambda t, v: v["count"])),
        symbols=3, classes=6, length=5,
    ),
    "balance": Program(
        "Fewer, as many or more opened than closed so far",
        (Variable("balance", "a0.h2", lambda t, v: share_so_far((t == 0).astype(int) - (t == 1))),
         Variable("answer", "m0", lambda t, v: np.sign(np.round(v["balance"], 9)) + 1)),
        symbols=3, classes=3, causal=True,
    ),
    "first_occurrences": Program(
        "Blank all but first occurrences",
        (Variable("seen", "a0.h0", lambda t, v: seen_before(t)),
         Variable("answer", "m1", lambda t, v: np.where(v["seen"], BLANK, t + 1))),
        symbols=5, classes=6, causal=True,
    ),
    "ends_agree": Program(
        "Do the first and the last symbol agree?",
        (Variable("first", "a0.h0", lambda t, v: everywhere(t[:, 0], t)),
         Variable("last", "a0.h2", lambda t, v: everywhere(t[:, -1], t)),
         Variable("answer", "m1", lambda t, v: v["first"] == v["last"])),
        symbols=5, classes=2,
    ),
    "is_sorted": Program(
        "No descent so far?",
        (Variable("previous", "a0.h1", lambda t, v: previous(t)),
         Variable("descends", "m0", lambda t, v: t < v["previous"]),
         Variable("descended", "a1.h0", lambda t, v: np.cumsum(v["descends"], axis=1) > 0),
         Variable("answer", "m1", lambda t, v: ~v["descended"])),
        symbols=4, classes=2, length=5, causal=True, first_scored=1,
    ),
    "indirect_object": Program(
        "The name that was not repeated",
        (Variable("same", "a0.h1", lambda t, v: last_same(t)),
         Variable("repeated", "a2.h0", repeated_place),
         Variable("answer", "a4.h2", other_name)),
        symbols=12, classes=NAMES, length=7, causal=True, layers=5, width=32, first_scored=6, draw=draw_sentences,
    ),
}  # fmt: skip
