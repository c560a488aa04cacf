"""How strongly heads play a role, in float64 numpy, and when it is clear which heads do.

One head at a time, the output at `at` is taken from a run on the altered string, and everything after it is computed
anew. The route is `bench.models.exhaustive`, which shares no code with the torch model that methods run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.models import exhaustive
from bench.models.checkpoint import Config
from bench.models.compiled.certificate import Uncertified
from bench.models.graph import feeds, source_names
from bench.tracks.roles.types import Truth

GAP = 10.0
LIVE, DEAD = 0.2, 0.02  # shares of the margin: the strongest head of a live unit and of a null one
NOISE = 1e-3  # below this share of the margin a strength is not told from another


@dataclass(frozen=True)
class Examples:
    """Strings of one role, as the problem has them (`bench.tracks.roles.types.Problem`)."""

    tokens: Int[np.ndarray, "examples pos"]
    altered: Int[np.ndarray, "examples pos"]
    source: Int[np.ndarray, "examples"]
    at: Int[np.ndarray, "examples"]
    answered: Int[np.ndarray, "examples"]
    answer: Int[np.ndarray, "examples"]

    def take(self, rows: np.ndarray) -> Examples:
        return Examples(**{name: values[rows] for name, values in vars(self).items()})


def head_names(config: Config) -> list[str]:
    return [node for node in source_names(config) if node.startswith("a")]


def margins(output: Float[np.ndarray, "*rows examples pos outputs"], examples: Examples) -> np.ndarray:
    """By how much the right output's logit lies above the mean of all, [*rows, examples]."""
    rows = np.arange(len(examples.tokens))
    at = output[..., rows, examples.answered, :]
    return at[..., rows, examples.answer] - at.mean(axis=-1)


def strengths(config: Config, weights: Mapping[str, np.ndarray], examples: Examples) -> Float[np.ndarray, "heads"]:
    """Fall of the margin when a head's output at `at` is the altered run's, as a share of the margin."""
    clean = exhaustive.node_outputs(config, weights, examples.tokens)
    there = np.arange(examples.tokens.shape[1]) == examples.at[:, None]
    donors = np.where(there[None, :, :, None], exhaustive.node_outputs(config, weights, examples.altered), clean)
    names, reads = source_names(config), feeds(config)
    patch = np.stack([reads * (np.array(names) == head) for head in head_names(config)]).astype(float)
    patched = margins(exhaustive.forward(config, weights, examples.tokens, donors, patch), examples)
    whole = margins(exhaustive.forward(config, weights, examples.tokens), examples).mean()
    return (whole - patched.mean(axis=1)) / whole


def players(strength: Float[np.ndarray, "heads"]) -> Bool[np.ndarray, "heads"] | None:
    """The heads above the widest gap between strengths, if it is tenfold; else None."""
    ordered = np.sort(np.maximum(strength, NOISE))[::-1]
    gaps = ordered[:-1] / ordered[1:]
    widest = int(np.argmax(gaps))
    return strength > ordered[widest + 1] if gaps[widest] >= GAP else None


def make_truth(config: Config, weights: Mapping[str, np.ndarray], roles: list[Examples], null: bool) -> Truth:
    """Strengths of all roles; raises `Uncertified` where a live role is played by none, or a null one by any."""
    found = np.stack([strengths(config, weights, examples) for examples in roles])
    strongest = found.max(axis=1)
    if null and np.abs(found).max() > DEAD:
        raise Uncertified(f"a head moves the margin of a null unit by {np.abs(found).max():.3f} of it; {DEAD} is most")
    if not null and strongest.min() < LIVE:
        raise Uncertified(f"no head moves the margin of a role by more than {strongest.min():.3f}; {LIVE} is least")
    clear = [None if null else players(strength) for strength in found]
    nobody = np.zeros(found.shape[1], bool)
    return Truth(
        null=null, strengths=found, plays=np.stack([nobody if one is None else one for one in clear]),
        certified=np.array([null or one is not None for one in clear]),
    )  # fmt: skip
