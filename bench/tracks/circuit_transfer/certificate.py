"""The second route to who plays which role: run the models, and compare with what the programs say.

Nothing is taken from the names of variables in B or from where the disguise put its nodes. A variable of B stands for
one of A where both have the same values on every string and both are written by heads, or both by MLPs. A node of B
plays the role where

- on the program's axes it writes as many different vectors as those variables have values together, one for one; and
- exchanging it does to B's output, on every pair of strings, what holding those variables of the interpreted program
  at *A's* values on the source string does; and
- on some pair that is not nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.models.compiled.dressing import Dressed
from bench.models.compiled.interchange import Wiring
from bench.models.exhaustive import forward, node_outputs
from bench.models.graph import INPUTS, source_names
from bench.tracks.circuit_transfer.exchange import exchanged
from bench.tracks.circuit_transfer.interpretation import TOLERANCE, Held, Pairs, held_output, joint_values, recoded

GAP = 1000.0
"""By how much the least deviation of a node that plays no role must exceed the largest that counts as equal."""
EXCHANGES = 24  # pairs on which nodes are exchanged; what they write is compared on all
DECIMALS = 6  # to which vectors are compared


class Uncertified(ValueError):
    """What the models do is not what the bookkeeping says."""


@dataclass(frozen=True)
class Staged:
    """A program, its disguise, and pairs of strings on which both are run."""

    wiring: Wiring
    dressed: Dressed
    pairs: Pairs

    @cached_property
    def strings(self) -> list:
        return [string for pair in self.pairs for string in pair]

    def tokens(self, strings: Sequence) -> Int[np.ndarray, "strings pos"]:
        return self.dressed.tokens[self.wiring.compiled.encode(strings)]

    def exchanged(self, nodes: Sequence[str]) -> Float[np.ndarray, "nodes pairs pos outputs"]:
        base, source = (self.tokens([pair[side] for pair in self.pairs[:EXCHANGES]]) for side in (0, 1))
        return exchanged(self.dressed.config, self.dressed.weights, nodes, base, source)[:, :, 1:]

    def moves(self, outputs: Float[np.ndarray, "nodes pairs pos outputs"]) -> Bool[np.ndarray, "nodes"]:
        """Whether any exchange changes the output."""
        base = self.tokens([base for base, _ in self.pairs[:EXCHANGES]])
        clean = forward(self.dressed.config, self.dressed.weights, base)[:, 1:]
        return np.abs(outputs - clean).max(axis=(1, 2, 3)) > GAP * TOLERANCE

    def written(self, nodes: Sequence[str]) -> list[list[str]]:
        """What each node writes on the program's axes at every position of every string, as a word for each vector."""
        config, weights = self.dressed.config, self.dressed.weights
        axes = self.dressed.turn[: len(self.wiring.compiled.labels)].T
        outputs = node_outputs(config, weights, self.tokens(self.strings))
        rows = outputs[[source_names(config).index(node) for node in nodes]][:, :, 1:] @ axes
        return [_words(vectors.reshape(-1, vectors.shape[-1])) for vectors in rows]

    def held(self, names: dict[str, str]) -> list[Held]:
        """Of each pair, the values that our variables have on the second string, under other names."""
        values = self.known[1 : 2 * EXCHANGES : 2]
        return [{other: found[name] for name, other in names.items()} for found in values]

    def deviations(
        self, outputs: Float[np.ndarray, "nodes pairs pos outputs"], held: list[Held]
    ) -> Float[np.ndarray, "nodes"]:
        """The largest difference to the interpreted output, over the pairs on which it is known."""
        said = [held_output(self.wiring, base, values) for (base, _), values in zip(self.pairs, held, strict=False)]
        known = np.array([one is not None for one in said])
        if 2 * known.sum() < len(said):
            raise Uncertified(f"{sorted(held[0])}: the program says nothing on {(~known).sum()} of {len(said)} pairs")
        expected = np.array([one for one in said if one is not None])
        return np.abs(outputs[:, known] - expected).max(axis=(1, 2, 3))

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Whether a head ("a") or an MLP ("m") writes each variable."""
        writers = self.wiring.writers | self.wiring.heads
        return {name: node[0] for name, node in writers.items() if node not in INPUTS}

    @cached_property
    def known(self) -> list[Held]:
        """Every variable on each string."""
        return [self.wiring.values(string) for string in self.strings]

    @cached_property
    def values(self) -> dict[str, list[str]]:
        return {name: joint_values(self.known, [name]) for name in self.kinds}


def _words(vectors: Float[np.ndarray, "rows axes"]) -> list[str]:
    rounded = np.round(vectors, DECIMALS) + 0.0  # no negative zeros
    return [row.tobytes().hex() for row in rounded]


def certify(
    a: Staged, b: Staged, roles: Sequence[tuple[str, frozenset[str]]], nodes: Sequence[str],
    plays: Bool[np.ndarray, "roles nodes"],
) -> None:  # fmt: skip
    """Raise `Uncertified` unless running the models singles out the very nodes that `plays` names.

    `roles` are nodes of A with the variables that they are said to write.
    """
    outputs_a, outputs_b = a.exchanged([place for place, _ in roles]), b.exchanged(nodes)
    written, moves = b.written(nodes), b.moves(outputs_b)
    for row, (place, carried) in enumerate(roles):
        if a.deviations(outputs_a[[row]], a.held({name: name for name in carried}))[0] > TOLERANCE:
            raise Uncertified(f"{place} of A does not hand on {sorted(carried)}")
        stand_ins = {name: stand_in(name, a, b) for name in carried}
        known = {name: other for name, other in stand_ins.items() if other is not None}
        found = np.zeros(len(nodes), bool)
        if len(known) == len(stand_ins):
            mine = joint_values(b.known, known.values())
            one_to_one = np.array([node[0] == place[0] for node in nodes]) & [recoded(w, mine) for w in written]
            found = one_to_one & moves & _equal(b.deviations(outputs_b, a.held(known)), place)
        if not np.array_equal(found, plays[row]):
            named = [node for node, one, other in zip(nodes, found, plays[row], strict=True) if one != other]
            raise Uncertified(f"role of {place}, {sorted(carried)}: runs and bookkeeping disagree on {named}")


def _equal(deviations: Float[np.ndarray, "nodes"], place: str) -> Bool[np.ndarray, "nodes"]:
    unclear = (deviations > TOLERANCE) & (deviations < GAP * TOLERANCE)
    if unclear.any():
        raise Uncertified(f"role of {place}: deviations {deviations[unclear]} are neither rounding nor clearly more")
    return deviations <= TOLERANCE


def stand_in(name: str, a: Staged, b: Staged) -> str | None:
    """The variable of B with the values of one of A; raises `Uncertified` where B has it in other values alone."""
    alike = [other for other, kind in b.kinds.items() if kind == a.kinds[name]]
    if a.wiring is b.wiring:
        return name
    for other in alike:
        if b.values[other] == a.values[name]:
            return other
    twins = [other for other in alike if recoded(b.values[other], a.values[name])]
    if twins:
        raise Uncertified(f"{twins[0]} of B is {name} of A in other values; whether that is the same is a word")
    return None
