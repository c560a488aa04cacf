"""Circuits written into weights by hand: gates over bits that heads copy from the string.

A design is a formula. Its leaves are bits of the string: a head copies whether the symbol at one place is a true one.
Gates are MLPs, one a layer, exact in ReLU: `All` is relu(sum - (n - 1)), `Any` is min(1, sum), `Weighted` a linear sum
at the root, `Difference` is relu(first - second). A `Backup` leaf looks for its bit only where the main leaf has found
nothing. The output is one number at every position.

Clean strings have all bits true, donors none. Then the donor's value of every leaf and gate is 0, and a circuit keeps
the output where it holds a proof of the root: all children of an "all", one child of an "any". Several proofs mean that
no single edge tells: redundancy that patching one edge at a time cannot see.

A design whose gates are `steep` rounds what they read: each is flat but within 1/4 of the middle between closed and
open. Computation in superposition needs this, since every read carries a little of every other variable (Hänni et al.
2024, Mathematical models of computation in superposition, arXiv:2408.05451). At a clean run such gates have no slope.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, product

import numpy as np
from jaxtyping import Float

from bench.models.checkpoint import Config, along_residual, shapes
from bench.models.compiled.conversion import BOS, Compiled

TRUE, FALSE = ("a", "b", "c"), ("u", "v", "w")
SHARP = 100.0  # attention score of the place that a head looks at; all others have 0
ROUNDED = 0.25  # half the width of a steep gate's step, in units of what one child says
Edge = tuple[str, str]
Proof = frozenset[Edge]


@dataclass(frozen=True)
class Leaf:
    """The bit at a place of the string (1 is the first symbol)."""

    place: int


@dataclass(frozen=True)
class Backup:
    """The bit at a place, looked for only where the bit of `main` was not found."""

    place: int
    main: Leaf


@dataclass(frozen=True)
class Gate:
    """`kind` is "all", "any", "difference" or, at the root alone, "weighted" with `weights`."""

    kind: str
    children: tuple[Node, ...]
    weights: tuple[float, ...] = ()


Node = Leaf | Backup | Gate


@dataclass(frozen=True)
class Design:
    """A formula over strings of `length` symbols; `unused` are places whose bits are copied and then cancel; `steep`
    says that gates round what they read. There are `symbols` true ones and as many false ones."""

    root: Gate
    length: int
    unused: tuple[int, ...] = ()
    steep: bool = False
    symbols: int = len(TRUE)

    @property
    def true(self) -> tuple[str, ...]:
        """The symbols whose bit is true."""
        return TRUE if self.symbols == len(TRUE) else tuple(f"{TRUE[0]}{number}" for number in range(self.symbols))

    @property
    def false(self) -> tuple[str, ...]:
        return FALSE if self.symbols == len(FALSE) else tuple(f"{FALSE[0]}{number}" for number in range(self.symbols))

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every leaf and gate once, children before their gates."""
        return tuple(dict.fromkeys(_descend(self.root)))

    @cached_property
    def names(self) -> dict[Node, str]:
        """The node of the model that computes each leaf or gate; a weighted root is the output itself."""
        first = [node for node in self.nodes if isinstance(node, Leaf)]
        second = [node for node in self.nodes if isinstance(node, Backup)]
        gates = [node for node in self.nodes if isinstance(node, Gate) and node.kind != "weighted"]
        named: dict[Node, str] = {node: f"a0.h{number}" for number, node in enumerate(first)}
        named |= {node: f"a1.h{number}" for number, node in enumerate(second)}
        return named | {node: f"m{number + self.first_gate}" for number, node in enumerate(gates)}

    @property
    def first_gate(self) -> int:
        """The layer of the first gate: behind the backup heads where there are any."""
        return int(any(isinstance(node, Backup) for node in self.nodes))

    @cached_property
    def proofs(self) -> tuple[Proof, ...]:
        """The minimal sufficient circuits: route one, by logic alone."""
        return tuple(dict.fromkeys(self._minimal(self._proofs(self.root, "output"))))

    @staticmethod
    def _minimal(proofs: list[Proof]) -> Iterator[Proof]:
        yield from (proof for proof in proofs if not any(other < proof for other in proofs))

    def _proofs(self, node: Node, reader: str) -> list[Proof]:
        """Every way to show a node to its reader."""
        if not isinstance(node, Gate):
            head = self.names[node]
            return [frozenset({("embed", f"{head}.v"), (head, reader)})]
        name = self.names.get(node, reader)
        own = frozenset({(name, reader)}) if node in self.names else frozenset()
        found = [self._proofs(child, name) for child in node.children]
        return [own.union(*choice) for some in self._enough(node) for choice in product(*(found[n] for n in some))]

    def _enough(self, gate: Gate) -> Iterator[tuple[int, ...]]:
        """Sets of children which, shown to a gate while the others are silent, give it its clean value."""
        numbers = range(len(gate.children))
        if gate.kind == "all":
            yield tuple(numbers)
        elif gate.kind == "any":
            yield from ((number,) for number in numbers)
        elif gate.kind == "difference":  # of which the second child takes away
            yield (0,)
        else:
            clean = self.value(dict.fromkeys(range(1, self.length + 1), True))
            some = (chosen for size in numbers for chosen in combinations(numbers, size + 1))
            yield from (chosen for chosen in some if np.isclose(sum(gate.weights[n] for n in chosen), clean))

    def compiled(self) -> Compiled:
        return _Builder(self).compiled()

    def value(self, bits: dict[int, bool]) -> float:
        """What the formula says of a string, given the bit at each place."""
        return _value(self.root, bits)


def _descend(node: Node) -> Iterator[Node]:
    children = node.children if isinstance(node, Gate) else (node.main,) if isinstance(node, Backup) else ()
    for child in children:
        yield from _descend(child)
    yield node


def _value(node: Node, bits: dict[int, bool]) -> float:
    if isinstance(node, Leaf):
        return float(bits[node.place])
    if isinstance(node, Backup):
        return float(bits[node.place] and not bits[node.main.place])
    values = [_value(child, bits) for child in node.children]
    if node.kind == "weighted":
        return float(np.dot(node.weights, values))
    if node.kind == "difference":
        return max(0.0, values[0] - values[1])
    return float(all(values)) if node.kind == "all" else float(any(values))


class _Builder:
    """Weights of a design: one residual axis for every token, place, leaf and gate, and one that is 1 everywhere."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.tokens: dict[Hashable, int] = {
            symbol: number for number, symbol in enumerate((BOS, *design.true, *design.false))
        }
        places = [f"place:{place}" for place in range(design.length + 1)]
        variables = [*design.names.values(), *(f"unused:{place}" for place in design.unused)]
        variables += ["true"] if self.is_wordy else []
        self.axes = {name: n for n, name in enumerate(["one", *map(str, self.tokens), *places, *variables])}
        self.heads = [node for node in design.nodes if not isinstance(node, Gate)]
        self.gates = [node for node in design.nodes if isinstance(node, Gate) and node in design.names]

    @property
    def is_wordy(self) -> bool:
        """Whether true symbols are too many to be read one by one: the embedding then says on one axis which are."""
        return self.design.symbols > len(TRUE)

    @property
    def _telling(self) -> list[int]:
        return [self.axes[name] for name in (["true"] if self.is_wordy else self.design.true)]

    def compiled(self) -> Compiled:
        self.weights = {name: np.zeros(shape) for name, shape in shapes(self.config).items()}
        self._embed()
        for node in self.heads:
            self._head(self.design.names[node], node.place, node.main if isinstance(node, Backup) else None)
        for number, place in enumerate(self.design.unused):
            self._head(f"a0.h{self._first_heads + number}", place, None, f"unused:{place}")
        for gate in self.gates:
            self._gate(gate)
        self._unembed()
        labels = tuple(self.axes)
        return Compiled(self.config, self.weights, labels, self.tokens, ())

    @property
    def _first_heads(self) -> int:
        return sum(isinstance(node, Leaf) for node in self.heads)

    @cached_property
    def config(self) -> Config:
        heads = max(self._first_heads + len(self.design.unused), len(self.heads) - self._first_heads)
        layers = max([self.design.first_gate, *(int(self.design.names[gate][1:]) for gate in self.gates)]) + 1
        return Config(
            n_layers=layers, n_heads=heads, n_kv_heads=heads, d_model=len(self.axes), d_head=2, d_mlp=4,
            d_vocab=len(self.tokens), d_out=1, n_ctx=self.design.length + 1, causal=False, attention_scale=1.0,
        )  # fmt: skip

    def _embed(self) -> None:
        embed, pos = self.weights["embed"], self.weights["pos"]
        embed[:, self.axes["one"]] = 1
        for symbol, number in self.tokens.items():
            embed[number, self.axes[str(symbol)]] = 1
        if self.is_wordy:
            embed[[self.tokens[symbol] for symbol in self.design.true], self.axes["true"]] = 1
        for place in range(self.design.length + 1):
            pos[place, self.axes[f"place:{place}"]] = 1

    def _head(self, name: str, place: int, main: Leaf | None, variable: str = "") -> None:
        """Everyone looks at a place, or at the beginning where the main leaf has found its bit; the bit is written."""
        layer, number = name[1:].split(".h")
        at = f"layers.{layer}"
        q, k, v, o = (self.weights[f"{at}.{letter}"][int(number)] for letter in "qkvo")
        q[self.axes["one"], 0] = k[self.axes[f"place:{place}"], 0] = 1
        q[:, 0] *= SHARP
        if main is not None:
            q[self.axes[self.design.names[main]], 1] = 2 * SHARP
            k[self.axes["place:0"], 1] = 1
        for axis in self._telling:
            v[axis, 0] = 1
        o[0, self.axes[variable or name]] = 1

    def _gate(self, gate: Gate) -> None:
        layer = int(self.design.names[gate][1:])
        reads, writes = self.weights[f"layers.{layer}.mlp_in"], self.weights[f"layers.{layer}.mlp_out"]
        children = [self.axes[self.design.names[child]] for child in gate.children]
        signs = [1, -1] if gate.kind == "difference" else [1] * len(children)
        own, one = self.axes[self.design.names[gate]], self.axes["one"]
        reads[children, 0] = signs
        writes[0, own] = 1
        if self.design.steep:
            self._round(reads, writes, gate)
        elif gate.kind == "all":
            reads[one, 0] = 1 - len(children)
        elif gate.kind == "any":
            reads[children, 1] = 1
            reads[one, 1] = -1
            writes[1, own] = -1
        if gate is self.gates[0]:  # read by two units that take away what they add
            for place in self.design.unused:
                reads[self.axes[f"unused:{place}"], 2:4] = 1
                writes[2:4, own] = [1, -1]

    def _round(self, reads: np.ndarray, writes: np.ndarray, gate: Gate) -> None:
        """Two units with a step between them, midway between the last sum that is too small and the first that is
        enough: flat but for `ROUNDED` on either side."""
        own, one = self.axes[self.design.names[gate]], self.axes["one"]
        children = [self.axes[self.design.names[child]] for child in gate.children]
        middle = (len(children) if gate.kind == "all" else 1) - 0.5
        reads[children, :2] = 1
        reads[one, :2] = -(middle - ROUNDED), -(middle + ROUNDED)
        writes[:2, own] = 1 / (2 * ROUNDED), -1 / (2 * ROUNDED)

    def _unembed(self) -> None:
        root, unembed = self.design.root, self.weights["unembed"]
        read = dict(zip(root.children, root.weights, strict=True)) if root.kind == "weighted" else {root: 1.0}
        for node, weight in read.items():
            unembed[self.axes[self.design.names[node]], 0] = weight


Weights = Mapping[str, np.ndarray]
Directions = Float[np.ndarray, "many few"]


def compressed(config: Config, weights: Weights, directions: Directions) -> tuple[Config, dict[str, np.ndarray]]:
    """The same model with its residual axes laid along fewer, unit vectors as nearly orthogonal as they come.

    What is written along one axis is read a little along all others: superposition.
    """
    return replace(config, d_model=directions.shape[1]), along_residual(weights, directions)


def spread_directions(many: int, few: int, rng: np.random.Generator, steps: int = 10) -> Directions:
    """Unit vectors whose overlaps are made small by alternating projection onto tight frames and unit length."""
    found = rng.normal(size=(many, few))
    for _ in range(steps):
        left, _, right = np.linalg.svd(found, full_matrices=False)
        found = left @ right
        found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found
