"""Pairs of inputs chosen by what the counterfactual does: a share that must change, a share that must stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

PATIENCE = 24
"""Draws for each pair that is wanted, before the pairs at hand have to do."""


@dataclass(frozen=True)
class Pair:
    """Two inputs, and what the high-level program says: on each, and on the base under do(variable = source's)."""

    base: Any
    source: Any
    base_output: Float[np.ndarray, "pos outputs"]
    source_output: Float[np.ndarray, "pos outputs"]
    label: Float[np.ndarray, "pos outputs"]

    @property
    def kind(self) -> str:
        """What its telling cells are: "third" (neither answer), "change", "stay", or "" where all agree."""
        changes, source_differs = (_differ(one, self.base_output) for one in (self.label, self.source_output))
        if (changes & _differ(self.label, self.source_output)).any():
            return "third"
        return "change" if changes.any() else "stay" if source_differs.any() else ""


def _differ(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(one - other).max(axis=-1) > 0


LIVE = {"third": 0.35, "change": 0.15, "stay": 0.5}
NULL = {"third": 1.0}


def draw_pairs(
    draw: Callable[[np.random.Generator], Pair | None], count: int, null: bool, rng: np.random.Generator
) -> list[Pair]:
    """`count` pairs with the shares of `LIVE` or `NULL`, as near as chance allows, in random order.

    `draw` gives nothing where two inputs make no pair. Raises `ValueError` where there are too few telling pairs.
    """
    shares = NULL if null else LIVE
    found: dict[str, list[Pair]] = {kind: [] for kind in shares}
    wanted = {kind: int(np.ceil(share * count)) for kind, share in shares.items()}
    for _ in range(PATIENCE * count):
        pair = draw(rng)
        if pair is not None and pair.kind in found:
            found[pair.kind].append(pair)
        if (
            all(len(found[kind]) >= number for kind, number in wanted.items())
            and sum(map(len, found.values())) >= count
        ):
            break
    chosen = [pair for kind, number in wanted.items() for pair in found[kind][:number]]
    rest = [pair for kind, number in wanted.items() for pair in found[kind][number:]]
    chosen = [*chosen, *rest][:count]
    if len(chosen) < count:
        raise ValueError(f"only {len(chosen)} of {count} telling pairs in {PATIENCE * count} draws; draw otherwise")
    return [chosen[index] for index in rng.permutation(count)]
