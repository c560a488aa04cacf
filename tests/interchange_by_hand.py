"""An interchange intervention in the plainest words: one string and one head at a time.

For models without normalisation, with learned positions and relu or gelu (all that the tracks compile, write by hand or
train). Shares no code with `bench.models`; float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

Edit = Callable[[str, np.ndarray], np.ndarray]
"""What becomes of the value [pos, width] of a named site on its way into the residual stream."""

ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "gelu": np.vectorize(lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2),
}


def run(config, weights: Mapping[str, np.ndarray], tokens: np.ndarray, edit: Edit) -> np.ndarray:
    """The output [pos, outputs] for one string; `edit` is shown every site's value in turn."""
    assert (config.norm, config.positions, config.gated) == ("none", "learned", False)
    places = len(tokens)
    stream = edit("embed", weights["embed"][tokens]) + edit("pos", weights["pos"][:places])
    for layer in range(config.n_layers):
        w = {name.split(".")[2]: array for name, array in weights.items() if name.startswith(f"layers.{layer}.")}
        added = np.tile(w["o_bias"], (places, 1))
        for head in range(config.n_heads):
            kv = head * config.n_kv_heads // config.n_heads
            q = stream @ w["q"][head] + w["q_bias"][head]
            k = stream @ w["k"][kv] + w["k_bias"][kv]
            v = stream @ w["v"][kv] + w["v_bias"][kv]
            added = added + edit(f"a{layer}.h{head}", attend(config, q, k) @ v @ w["o"][head])
        stream = stream + added
        if config.d_mlp:
            hidden = ACTIVATIONS[config.activation](stream @ w["mlp_in"] + w["mlp_in_bias"])
            stream = stream + edit(f"m{layer}", hidden @ w["mlp_out"] + w["mlp_out_bias"])
        stream = edit(f"resid{layer}", stream)
    return stream @ weights["unembed"] + weights["unembed_bias"]


def attend(config, queries: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """How much each position takes from each that it may see [query, key]."""
    scale = config.attention_scale if config.attention_scale is not None else 1 / np.sqrt(config.d_head)
    scores = queries @ keys.T * scale
    if config.causal:
        scores = np.where(np.tri(len(scores), dtype=bool), scores, -np.inf)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def value_at(config, weights, tokens: np.ndarray, site: str) -> np.ndarray:
    """A site's value [pos, width] on one string."""
    seen = {}

    def look(name: str, value: np.ndarray) -> np.ndarray:
        seen[name] = value
        return value

    run(config, weights, tokens, look)
    return seen[site]


def interchanged(config, weights, base, source, site: str, basis: np.ndarray, intervened: np.ndarray) -> np.ndarray:
    """Outputs [pairs, pos, outputs] on the base strings, with the source's coordinates in the subspace of the site."""
    outputs = []
    for one, other in zip(base, source, strict=True):
        donor = value_at(config, weights, other, site)

        def edit(name: str, value: np.ndarray, donor: np.ndarray = donor) -> np.ndarray:
            if name != site:
                return value
            changed = value.copy()
            for place in np.flatnonzero(intervened):
                for direction in basis.T:
                    changed[place] += direction * (direction @ (donor[place] - value[place]))
            return changed

        outputs.append(run(config, weights, one, edit))
    return np.array(outputs)
