"""Prompts in pairs: a clean text, a corrupted one, and the words that should follow the clean one and should not.

Clean and corrupted text are drawn from templates and read by the model's own tokenizer; a pair is kept where both have
equally many tokens and the model does what the family is about: after the clean text it prefers the right words, by the
mean of their logits, and after the corrupted one it does not. So that a batch needs no padding, all pairs of a batch
have the length that is most frequent among the drawn ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from tokenizers import Tokenizer

from bench.core.contract import BadInput
from bench.models.checkpoint import Config
from bench.models.transformer import Transformer

CHUNK = 16  # pairs that a model is asked at once: it keeps what every node writes
NEUTRAL = "The"
"""What an answer follows where its first token is looked up."""


@dataclass(frozen=True)
class Pair:
    """Two texts; `right` and `wrong` are continuations of the clean one, with their leading blank."""

    clean: str
    corrupted: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """A kind of prompt: its drawing rule and every word that may be an answer."""

    draw: Callable[[np.random.Generator], Pair]
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Prompts:
    """Pairs in tokens. `direction` has 1 / (number of right tokens) at their outputs, and the negative at the wrong."""

    clean: Int[np.ndarray, "examples pos"]
    corrupted: Int[np.ndarray, "examples pos"]
    direction: Float[np.ndarray, "examples outputs"]

    def __len__(self) -> int:
        return len(self.clean)

    def take(self, index: np.ndarray) -> Prompts:
        return Prompts(self.clean[index], self.corrupted[index], self.direction[index])


@dataclass(frozen=True)
class Reader:
    """Tokenizer and the token that begins a text (None where the model knows none)."""

    tokenizer: Tokenizer
    start: int | None

    def encode(self, text: str) -> list[int]:
        beginning = [] if self.start is None else [self.start]
        return beginning + self.tokenizer.encode(text, add_special_tokens=False).ids

    def following(self, text: str, continuation: str) -> int | None:
        """The first token of the continuation; None where it changes how the text itself is read."""
        before, both = self.encode(text), self.encode(text + continuation)
        return both[len(before)] if both[: len(before)] == before and len(both) > len(before) else None

    def outputs(self, answers: tuple[str, ...]) -> list[int]:
        """First tokens of the answers, which several may share, in the order of the vocabulary."""
        found = {self.following(NEUTRAL, answer) for answer in answers}
        return sorted(token for token in found if token is not None)


@dataclass(frozen=True)
class Subject:
    """A language model whose outputs are the logits of one family's answers.

    Nothing but the unembedding's columns is left out, so that logits, their differences and what patching does to them
    are the whole model's.
    """

    config: Config
    weights: Mapping[str, np.ndarray]
    reader: Reader
    family: Family

    @cached_property
    def outputs(self) -> list[int]:
        return self.reader.outputs(self.family.answers)

    @cached_property
    def reduced(self) -> tuple[Config, dict[str, np.ndarray]]:
        """Configuration and tensors with the answers' outputs alone."""
        kept = {"unembed": np.ascontiguousarray(self.weights["unembed"][:, self.outputs])}
        if "unembed_bias" in self.weights:
            kept["unembed_bias"] = self.weights["unembed_bias"][self.outputs]
        return replace(self.config, d_out=len(self.outputs)), {**self.weights, **kept}

    @cached_property
    def model(self) -> Transformer:
        return Transformer(*self.reduced)

    def draw(self, count: int, rng: np.random.Generator) -> Prompts:
        """Those of `count` drawn pairs that are different, aligned and of the most frequent length."""
        pairs = list(dict.fromkeys(self.family.draw(rng) for _ in range(count)))
        read = [found for found in map(self._read, pairs) if found is not None]
        if not read:
            raise BadInput("no pair of the drawn prompts is aligned under this tokenizer; use other words")
        length = Counter(len(clean) for clean, _, _ in read).most_common(1)[0][0]
        columns = zip(*(found for found in read if len(found[0]) == length), strict=True)
        return Prompts(*(np.array(column) for column in columns))

    def _read(self, pair: Pair) -> tuple[list[int], list[int], np.ndarray] | None:
        """Clean and corrupted tokens and the direction; None where the pair is not aligned or its words not told apart
        by their first tokens."""
        clean, corrupted = self.reader.encode(pair.clean), self.reader.encode(pair.corrupted)
        right, wrong = (self._tokens(pair.clean, words) for words in (pair.right, pair.wrong))
        aligned = len(clean) == len(corrupted) and clean != corrupted
        if not aligned or not right or not wrong or right & wrong:
            return None
        return clean, corrupted, self._mean_of(right) - self._mean_of(wrong)

    def _tokens(self, text: str, words: tuple[str, ...]) -> set[int]:
        """First tokens of the words after the text; empty where one is read otherwise than after the neutral text."""
        found = {self.reader.following(text, word) for word in words}
        return {token for token in found if token is not None} if found <= set(self.outputs) else set()

    def _mean_of(self, tokens: set[int]) -> np.ndarray:
        return np.isin(self.outputs, list(tokens)) / len(tokens)

    def preferences(self, prompts: Prompts) -> tuple[Float[np.ndarray, "examples"], Float[np.ndarray, "examples"]]:
        """By how many logits the right words lead after the clean and after the corrupted texts."""
        last = (self.model.run(tokens)[:, -1].double().numpy() for tokens in (prompts.clean, prompts.corrupted))
        clean, corrupted = ((logits * prompts.direction).sum(1) for logits in last)
        return clean, corrupted

    def knows(self, prompts: Prompts) -> np.ndarray:
        """Whether the model does each pair: the right words lead after the clean text and lag after the corrupted."""
        clean, corrupted = self.preferences(prompts)
        return (clean > 0) & (corrupted < 0)

    def known(self, count: int, rng: np.random.Generator, draws: int) -> Prompts:
        """`count` pairs that the model does; raises `BadInput` where `draws` pairs hold fewer."""
        drawn, done = self.draw(draws, rng), np.zeros(0, dtype=int)
        for first in range(0, len(drawn), CHUNK):
            chunk = np.arange(first, min(first + CHUNK, len(drawn)))
            done = np.append(done, chunk[self.knows(drawn.take(chunk))])
            if len(done) >= count:
                return drawn.take(done[:count])
        raise BadInput(f"of {len(drawn)} aligned pairs the model does {len(done)}; {count} are needed")
