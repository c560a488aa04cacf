"""Interchange in the RASP interpreter: what patching an edge does to a program, without running the model.

The program is interpreted on the clean string. Where one component reads one variable, it is given the value that the
variable has on the donor string: do(variable read by the component = its value on the donor) (Geiger et al. 2021,
NeurIPS, arXiv:2106.02997). Which component writes a variable is read off Tracr's named residual axes; which component
reads it, and whether as query, key or value, follows from the expression alone. No arithmetic of the model is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from tracr.rasp import rasp

from bench.models.compiled.conversion import Compiled, Mixture, variable_of
from bench.models.graph import source_names

Edge = tuple[str, str]
"""A source and a slot, named as in `bench.models.graph`."""

Values = list[Any]
WIDTH = "_selector_width_attn_output"  # Tracr's name for what the head of a SelectorWidth hands to its MLP


@dataclass(frozen=True)
class Read:
    """One reading of a variable: `variable` from node `source` at `slot`."""

    source: str
    slot: str
    variable: str


@dataclass(frozen=True)
class Wiring:
    """A compiled program with the place of each variable in the model.

    Along a `cut` edge nothing is read: no value of a categorical variable, 0 of a numerical one.
    """

    program: rasp.SOp
    compiled: Compiled
    cut: Edge | None = None

    @cached_property
    def expressions(self) -> dict[str, rasp.SOp]:
        """Every variable of the program by its name."""
        return {expression.label: expression for expression in _descend(self.program)}

    @cached_property
    def heads(self) -> dict[str, str]:
        """The head that writes each aggregate or selector width."""
        return self._writers("a")

    @cached_property
    def writers(self) -> dict[str, str]:
        """The node that writes each variable's final value."""
        inputs = {rasp.tokens.label: "embed", rasp.indices.label: "pos"}
        return inputs | self._writers("m") | {name: head for name, head in self.heads.items() if WIDTH not in name}

    def _writers(self, kind: str) -> dict[str, str]:
        nodes = [node for node in source_names(self.compiled.config) if node.startswith(kind)]
        return {variable: node for node in nodes for variable in self._written(node)}

    def _written(self, node: str) -> set[str]:
        """Variables on whose axes a node's output matrix is not zero."""
        layer, _, head = node[1:].partition(".h")
        weights = self.compiled.weights
        matrix = weights[f"layers.{layer}.o"][int(head)] if head else weights[f"layers.{layer}.mlp_out"]
        return {variable_of(self.compiled.labels[axis]) for axis in np.flatnonzero(matrix.any(axis=0))}

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """Every reading of a variable by a component, and the output's reading of the last one."""
        inner = [read for name, expression in self.expressions.items() for read in self._reads_of(name, expression)]
        return (*inner, self._read(self.program, "output"))

    def _reads_of(self, name: str, expression: rasp.SOp) -> Iterator[Read]:
        if isinstance(expression, rasp.Aggregate | rasp.SelectorWidth):
            yield from self._attended(name, expression)
        elif isinstance(expression, rasp.Map | rasp.SequenceMap):
            yield from (self._read(child, self.writers[name]) for child in expression.children)

    def _attended(self, name: str, expression: rasp.Aggregate | rasp.SelectorWidth) -> Iterator[Read]:
        width = isinstance(expression, rasp.SelectorWidth)
        head = self.heads[name + WIDTH if width else name]
        yield self._read(expression.selector.queries, f"{head}.q")
        yield self._read(expression.selector.keys, f"{head}.k")
        yield Read(head, self.writers[name], name + WIDTH) if width else self._read(expression.sop, f"{head}.v")

    def _read(self, child: rasp.SOp, slot: str) -> Read:
        return Read(self.writers[child.label], slot, child.label)

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Edges along which some variable is read; every other edge carries nothing that the program uses."""
        return tuple(dict.fromkeys((read.source, read.slot) for read in self.reads))

    def values(self, string: Sequence[Any]) -> dict[str, Values]:
        """Every variable on a string."""
        return _Interpretation(self, string, {}, None).all()

    def output(self, string: Sequence[Any], donor: Mapping[str, Values], edge: Edge | None) -> Values:
        """The program's output where the variables read along one edge have the donor's values."""
        return _Interpretation(self, string, donor, edge).read("output", self.program)

    def counterfactual(self, string: Sequence[Any], donor: Mapping[str, Values], variable: str) -> Values:
        """The program's output where one variable has the donor's value wherever it is read."""
        return self.settled(string, {variable: donor[variable]})

    def settled(self, string: Sequence[Any], values: Mapping[str, Values]) -> Values:
        """The program's output where some variables are held at given values wherever they are read."""
        run = _Interpretation(self, string, {}, None)
        run.known.update(values)
        return run.read("output", self.program)

    def effects(
        self, clean: Sequence[Sequence[Any]], donors: Sequence[Sequence[Any]], scored: Bool[np.ndarray, "pos"]
    ) -> dict[Edge, float]:
        """Mean over examples of the Euclidean change of the output at scored positions, by edge."""
        known = [self.values(donor) for donor in donors]
        before = self._targets([self.output(string, {}, None) for string in clean], scored)
        effects = {}
        for edge in self.edges:
            outputs = [self.output(string, donor, edge) for string, donor in zip(clean, known, strict=True)]
            change = self._targets(outputs, scored) - before
            effects[edge] = float(np.sqrt(np.square(change).sum(axis=(1, 2))).mean())
        return effects

    def _targets(self, outputs: list[Values], scored: Bool[np.ndarray, "pos"]) -> Float[np.ndarray, "examples pos d"]:
        """What the outputs look like in the model, at scored positions (position 0 is the token before the string)."""
        return self.compiled.targets(outputs)[:, np.asarray(scored, bool)[1:]]


def _descend(expression: rasp.RASPExpr) -> Iterator[rasp.SOp]:
    if isinstance(expression, rasp.SOp):
        yield expression
    for child in expression.children:
        yield from _descend(child)


class _Interpretation:
    """One run of a program: variables are computed as they are read, each once."""

    def __init__(self, wiring: Wiring, string: Sequence[Any], donor: Mapping[str, Values], edge: Edge | None) -> None:
        self.wiring, self.string, self.donor, self.edge = wiring, string, donor, edge
        self.known: dict[str, Values] = {}

    def all(self) -> dict[str, Values]:
        for name, expression in self.wiring.expressions.items():
            self.value(name, expression)
        return self.known

    def read(self, slot: str, expression: rasp.SOp) -> Values:
        """A variable as a slot reads it."""
        if self.wiring.cut == (self.wiring.writers[expression.label], slot):
            return [0 if rasp.is_numerical(expression) else None] * len(self.string)
        if self.edge == (self.wiring.writers[expression.label], slot):
            return self.donor[expression.label]
        return self.value(expression.label, expression)

    def value(self, name: str, expression: rasp.SOp) -> Values:
        if name not in self.known:
            self.known[name] = COMPUTE[type(expression)](self, name, expression)
        return self.known[name]

    def tokens(self, name: str, expression: rasp.SOp) -> Values:
        return list(self.string)

    def indices(self, name: str, expression: rasp.SOp) -> Values:
        return list(range(len(self.string)))

    def elementwise(self, name: str, expression: Any) -> Values:
        slot = self.wiring.writers[name]
        columns = [self.read(slot, child) for child in expression.children]
        return [_apply(expression, row) for row in zip(*columns, strict=True)]

    def aggregate(self, name: str, expression: rasp.Aggregate) -> Values:
        head = self.wiring.heads[name]
        values = self.read(f"{head}.v", expression.sop)
        combine = _mean if rasp.is_numerical(expression) else _mix
        rows = self.selected(head, expression.selector)
        chosen = [[value for value, selected in zip(values, row, strict=True) if selected] for row in rows]
        return [combine(some) if some else expression.default for some in chosen]

    def width(self, name: str, expression: rasp.SelectorWidth) -> Values:
        head, handed = self.wiring.heads[name + WIDTH], name + WIDTH
        if handed not in self.known:
            self.known[handed] = [sum(row) for row in self.selected(head, expression.selector)]
        return self.donor[handed] if self.edge == (head, self.wiring.writers[name]) else self.known[handed]

    def selected(self, head: str, selector: rasp.Select) -> list[list[bool]]:
        """Which keys each query selects; where a variable has no value nothing is selected."""
        queries, keys = self.read(f"{head}.q", selector.queries), self.read(f"{head}.k", selector.keys)
        return [[_selects(selector, key, query) for key in keys] for query in queries]


def _mean(chosen: Values) -> float:
    return sum(chosen) / len(chosen)


def _mix(chosen: Values) -> Any:
    """The one value, or where an intervention made several positions selected, the mixture of theirs."""
    return chosen[0] if len(set(chosen)) == 1 else Mixture(tuple(chosen))


def _apply(expression: Any, row: tuple) -> Any:
    """A function of one position's values; of one mixture among them the mixture of its results.

    An MLP's unit for one combination of values is as active as the least certain of them where the others are certain,
    so that the shares of a mixture are passed on. Two mixtures at once have no such meaning.
    """
    mixed = [place for place, value in enumerate(row) if isinstance(value, Mixture)]
    if not mixed:
        return None if None in row else expression.f(*row)
    if len(mixed) > 1 or rasp.is_numerical(expression):
        raise NotImplementedError(f"{expression.label} reads a mixture of values, on which a program says nothing")
    place = mixed[0]
    return _mix([_apply(expression, (*row[:place], value, *row[place + 1 :])) for value in row[place].values])


def _selects(selector: rasp.Select, key: Any, query: Any) -> bool:
    if isinstance(key, Mixture) or isinstance(query, Mixture):
        raise NotImplementedError(f"{selector} reads a mixture of values, on which a program says nothing")
    return key is not None and query is not None and bool(selector.predicate(key, query))


COMPUTE = {
    rasp.TokensType: _Interpretation.tokens,
    rasp.IndicesType: _Interpretation.indices,
    rasp.Map: _Interpretation.elementwise,
    rasp.SequenceMap: _Interpretation.elementwise,
    rasp.LinearSequenceMap: _Interpretation.elementwise,
    rasp.Aggregate: _Interpretation.aggregate,
    rasp.SelectorWidth: _Interpretation.width,
}
