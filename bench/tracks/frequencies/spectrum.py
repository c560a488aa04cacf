"""Which frequencies a network adds with, in float64 numpy over all inputs: by the logits, and by the embedding.

The first measure looks at the output alone, the second changes the input's weights. They share the forward pass
(`bench.models.exhaustive`, no code of the torch model's) and nothing else, and must name the same set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from bench.models import exhaustive
from bench.models.checkpoint import Config
from bench.models.compiled.certificate import Uncertified
from bench.models.trained.behaviours import Strings
from bench.tracks.frequencies.types import Truth

GAP = 10.0
ENERGY_OF_NULL, LEAD_OF_NULL = 0.05, 3.0  # most that one frequency of a null unit holds, and leads the median by
NOISE = 1e-3  # what is weaker is not told from another

Weights = Mapping[str, np.ndarray]


def all_logits(config: Config, weights: Weights, strings: Strings) -> Float[np.ndarray, "pairs outputs"]:
    """Logits at the last position of all p^2 strings, in the order of a p + b, less their mean over outputs."""
    logits = exhaustive.forward(config, weights, strings.tokens)[:, -1]
    return logits - logits.mean(axis=1, keepdims=True)


def energy(logits: Float[np.ndarray, "pairs outputs"]) -> Float[np.ndarray, "frequencies"]:
    """Share of the variance over inputs at frequency (k, k) of the two operands, summed over outputs.

    The Fourier transform of the table of logits over both operands; a function of a + b has all of its variance there.
    """
    modulus = logits.shape[1]
    power = np.square(np.abs(np.fft.fft2(logits.reshape(modulus, modulus, -1), axes=(0, 1)))).sum(axis=2)
    half = np.arange(1, (modulus + 1) // 2)
    return 2 * power[half, half] / (power.sum() - power[0, 0])


def waves(modulus: int) -> Float[np.ndarray, "frequencies parts numbers"]:
    """Cosine and sine of each frequency over the numbers, with unit norm."""
    angle = 2 * np.pi * np.outer(np.arange(1, (modulus + 1) // 2), np.arange(modulus)) / modulus
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.sqrt(2 / modulus)


def without(weights: Weights, wave: Float[np.ndarray, "parts numbers"]) -> dict[str, np.ndarray]:
    """The weights with a frequency projected out of the numbers' embedding."""
    numbers = wave.shape[1]
    embed = np.array(weights["embed"], float)
    embed[:numbers] -= wave.T @ (wave @ embed[:numbers])
    return {**weights, "embed": embed}


def falls(config: Config, weights: Weights, strings: Strings) -> Float[np.ndarray, "frequencies"]:
    """Share of the mean margin of the right answers that is lost without each frequency in the embedding."""
    right = strings.right[:, -1]
    whole = all_logits(config, weights, strings)[right].mean()
    left = [all_logits(config, without(weights, wave), strings)[right].mean() for wave in waves(config.d_out)]
    return 1 - np.array(left) / whole


def above_gap(values: Float[np.ndarray, "frequencies"]) -> Bool[np.ndarray, "frequencies"] | None:
    """What lies above the widest gap, if it is tenfold."""
    ordered = np.sort(np.maximum(values, NOISE))[::-1]
    gaps = ordered[:-1] / ordered[1:]
    widest = int(np.argmax(gaps))
    return values > ordered[widest + 1] if gaps[widest] >= GAP else None


def make_truth(config: Config, weights: Weights, strings: Strings, null: bool) -> Truth:
    """Both measures and their common set; raises `Uncertified` where a null unit's logits hold a frequency."""
    found, lost = energy(all_logits(config, weights, strings)), falls(config, weights, strings)
    nothing = np.zeros(len(found), bool)
    if null:
        if found.max() > ENERGY_OF_NULL or lost.max() > LEAD_OF_NULL * np.median(lost):
            raise Uncertified(
                f"frequency {1 + int(found.argmax())} of a null unit holds {found.max():.3f} of the logits"
            )
        return Truth(null=True, certified=True, energy=found, falls=lost, uses=nothing)
    seen, needed = above_gap(found), above_gap(lost)
    if seen is None or needed is None or not np.array_equal(seen, needed):
        return Truth(null=False, certified=False, energy=found, falls=lost, uses=nothing)
    return Truth(null=False, certified=True, energy=found, falls=lost, uses=seen)


def relabelled(config: Config, weights: Weights, unit: int) -> dict[str, np.ndarray]:
    """The network for numbers that are multiplied by a unit of the integers modulo p: it adds with other frequencies.

    What it does with u a and u b is what it did with a and b, and the answer is u times as large.
    """
    modulus = config.d_out
    order = unit * np.arange(modulus) % modulus
    embed, unembed, bias = (np.array(weights[name]) for name in ("embed", "unembed", "unembed_bias"))
    embed[order], unembed[:, order], bias[order] = (
        weights["embed"][:modulus], weights["unembed"], weights["unembed_bias"],
    )  # fmt: skip
    return {**weights, "embed": embed, "unembed": unembed, "unembed_bias": bias}


def relabelled_strings(strings: Strings, modulus: int, unit: int) -> Strings:
    """All strings with right answers after relabelling, in the order of the new numbers."""
    order = unit * np.arange(modulus) % modulus
    a, b = order[strings.tokens[:, 0]], order[strings.tokens[:, 1]]
    right = np.zeros_like(strings.right)
    right[..., order] = strings.right
    back = np.argsort(a * modulus + b)
    tokens = np.stack([a, b, strings.tokens[:, 2]], axis=1)
    return replace(Strings(tokens, right)).take(back)
