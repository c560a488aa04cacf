"""The two compiled programs on which ACDC was first tested, set up as in its paper.

Conmy et al. 2023 (NeurIPS, arXiv:2304.14997), table of AUCs, Tracr rows: `reverse` has 106 edges at the granularity
"acdc", `xproportion` 38. The metric is the mean squared difference to the clean output at positions after the first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from jaxtyping import Bool, Int
from tracr.compiler import lib
from tracr.rasp import rasp

from bench.core.contract import generator
from bench.models.checkpoint import Config
from bench.models.compiled.assembly import compile_program
from bench.models.compiled.conversion import Compiled

GRANULARITY = "acdc"
METRIC = "mse_to_clean"
STRINGS, LENGTH, LONGEST = 50, 4, 5
SYMBOLS, BOS = "wxyz", "compiler_bos"
FRACTION = lib.make_frac_prevs(rasp.tokens == "x")


@dataclass(frozen=True)
class Setup:
    """A model as Tracr made it, pairs of inputs, and the positions at which the output counts."""

    config: Config
    weights: dict[str, np.ndarray]
    clean: Int[np.ndarray, "examples pos"]
    corrupted: Int[np.ndarray, "examples pos"]
    scored: Bool[np.ndarray, "pos"]
    compiled: Compiled


def reverse() -> Setup:
    """Reversal of strings over {1, 2, 3} of at most 5 symbols, on the six permutations of 123."""
    strings = list(permutations((1, 2, 3)))
    return _setup("reverse", lib.make_reverse(rasp.tokens), {1, 2, 3}, strings)


def xproportion() -> Setup:
    """The fraction of "x" so far, on 50 random strings of 4 tokens, the beginning-of-string token one of five.

    This token must be drawn like the others for the paper's figures to come out: zero ablation then leaves exactly ten
    edges, and six of them are live under resample. Strings that all begin with it never change what the head's keys
    read of it (`xproportion_after_bos`): four of the ten are live.
    """
    rng = generator("acdc", "xproportion", "strings")
    compiled = compile_program(FRACTION, set(SYMBOLS), LONGEST)
    tokens = np.array([compiled.tokens[name] for name in (*SYMBOLS, BOS)])
    return _paired("xproportion", compiled, rng.choice(tokens, (STRINGS, LENGTH)))


def xproportion_after_bos() -> Setup:
    """The same on 50 random strings of 4 symbols, each after a beginning-of-string token."""
    rng = generator("acdc", "xproportion", "strings")
    strings = [tuple(str(symbol) for symbol in rng.choice(list(SYMBOLS), LENGTH)) for _ in range(STRINGS)]
    return _setup("xproportion", FRACTION, set(SYMBOLS), strings)


SETUPS: dict[str, Callable[[], Setup]] = {"reverse": reverse, "xproportion": xproportion}


def _setup(name: str, program: rasp.SOp, vocabulary: set, strings: list[tuple]) -> Setup:
    compiled = compile_program(program, vocabulary, LONGEST)
    return _paired(name, compiled, compiled.encode(strings))


def _paired(name: str, compiled: Compiled, clean: Int[np.ndarray, "examples pos"]) -> Setup:
    """Each string corrupted by another one; the output counts after the first position."""
    corrupted = clean[derangement(len(clean), generator("acdc", name, "corrupted"))]
    return Setup(compiled.config, compiled.weights, clean, corrupted, np.arange(clean.shape[1]) >= 1, compiled)


def derangement(size: int, rng: np.random.Generator) -> Int[np.ndarray, "size"]:
    """A random order in which nothing stays in its place, by rejection (on average e draws)."""
    while True:
        order = rng.permutation(size)
        if (order != np.arange(size)).all():
            return order
