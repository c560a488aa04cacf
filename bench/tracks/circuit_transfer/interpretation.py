"""What a program says with some variables held, by interpreting it: no arithmetic of a model is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from bench.models.compiled.interchange import Values, Wiring
from bench.models.compiled.programs import String

Pairs = list[tuple[String, String]]
Held = Mapping[str, Values]
Outcome = Float[np.ndarray, "pos outputs"] | None
TOLERANCE = 1e-6
"""Outputs that differ by less are equal; those of compiled programs are 0 and 1, or quotients of small numbers."""


def held_output(wiring: Wiring, base: String, held: Held) -> Outcome:
    """The output with variables at given values; nothing where the program says nothing about them."""
    try:
        return wiring.compiled.targets([wiring.settled(base, dict(held))])[0]
    except NotImplementedError:  # the interpreter's word for a variable that is several values at once
        return None


def same_on_all(one: Sequence[Outcome], other: Sequence[Outcome]) -> bool:
    """Whether outcomes agree on every pair on which both are known."""
    both = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    return all(np.abs(a - b).max() < TOLERANCE for a, b in both)


def joint_values(known: Sequence[Held], names: Iterable[str]) -> list[str]:
    """What some variables are together, at all positions of all strings, one after another; `known` by string."""
    names = sorted(names)
    columns = (zip(*(values[name] for name in names), strict=True) for values in known)
    return [repr(joint) for column in columns for joint in column]


def recoded(one: Sequence[object], other: Sequence[object]) -> bool:
    """Whether each of two lists, neither of them constant, is a function of the other: the same in other values."""
    pairs = set(zip(one, other, strict=True))
    return 1 < len(pairs) == len(set(one)) == len(set(other))
