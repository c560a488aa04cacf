"""Static circuits against causal ones, for the public programs re-expressed here.

    python -P -m bench.models.compiled.errata > docs/circuits-errata.md

The static circuit is what circuits-benchmark (Gupta et al. 2024, arXiv:2407.14494) scores against, derived here anew
from the compiled weights: an edge from every node that writes an axis which a node reads (the constant axis and those
of the begin and padding tokens left out), without writers that feed another writer of the same variable. The causal one
is the edges that are live under resample by exhaustive patching. Both at head level: query, key and value merged,
positions a part of the embedding.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from bench.core.contract import generator
from bench.models import exhaustive
from bench.models.compiled.assembly import compile_program
from bench.models.compiled.certificate import MARGIN
from bench.models.compiled.conversion import BOS, PAD, Compiled, variable_of
from bench.models.compiled.dressing import COLDNESS
from bench.models.compiled.programs.public import PUBLIC
from bench.models.compiled.programs.strings import Program
from bench.models.graph import Graph, source_names

PAIRS = 40
CONSTANT = "one"
INPUTS = {"tokens": "embed", "indices": "embed"}
SMALLEST = 1e-9
"""Above rounding (1e-13) and below every effect of a program (in units of the output, one-hot or a number)."""
OMITTED = "embed->output"
"""The one edge by which our graph exceeds the public count (44 on reverse, 14 on xproportion); which edge the public
suite leaves out is our reading."""


@dataclass(frozen=True)
class Comparison:
    """One program's edges: `graph` counts all that there are."""

    name: str
    graph: int
    static: frozenset[str]
    live: frozenset[str]

    @property
    def inert(self) -> list[str]:
        return sorted(self.static - self.live)

    @property
    def missed(self) -> list[str]:
        return sorted(self.live - self.static)


def read_by(compiled: Compiled, node: str) -> set[str]:
    """Variables on whose axes a node's input matrices are not zero."""
    if node == "output":
        return variables(compiled, compiled.weights["unembed"])
    layer, _, head = node[1:].partition(".h")
    if not head:
        return variables(compiled, compiled.weights[f"layers.{layer}.mlp_in"])
    return set().union(*(variables(compiled, compiled.weights[f"layers.{layer}.{one}"][int(head)]) for one in "qkv"))


def written_by(compiled: Compiled, node: str) -> set[str]:
    """Variables on whose axes a node's output matrix is not zero."""
    if node == "output":
        return set()
    layer, _, head = node[1:].partition(".h")
    weights = compiled.weights
    return variables(
        compiled, (weights[f"layers.{layer}.o"][int(head)] if head else weights[f"layers.{layer}.mlp_out"]).T
    )


def variables(compiled: Compiled, matrix: Float[np.ndarray, "d_model others"]) -> set[str]:
    """The variables of the axes that are used; the constant and the begin and padding tokens are none."""
    labels = [label for label, row in zip(compiled.labels, matrix, strict=True) if row.any()]
    special = {CONSTANT, f"tokens:{BOS}", f"tokens:{PAD}"}
    return {variable_of(label) for label in labels if label not in special}


def static_edges(compiled: Compiled) -> frozenset[str]:
    """Edges from the earlier writers of a variable to its readers, but for writers that feed another writer of it."""
    nodes = [node for node in source_names(compiled.config) if node not in INPUTS.values() and node != "pos"]
    producers: dict[str, list[str]] = {name: [node] for name, node in INPUTS.items()}
    found: set[tuple[str, str]] = set()
    for reader in (*nodes, "output"):
        for name in read_by(compiled, reader):
            known = producers.get(name, [])
            last = [one for one in known if not any((one, other) in found for other in known)]
            found |= {(producer, reader) for producer in last}
        for name in written_by(compiled, reader):
            producers.setdefault(name, []).append(reader)
    return frozenset(f"{source}->{reader}" for source, reader in found)


def live_edges(program: Program, compiled: Compiled, name: str) -> frozenset[str]:
    """Edges that change the output on some pair when patched alone under resample.

    Raises `ValueError` where an effect is neither rounding nor clearly more.
    """
    rng = generator("errata", name)
    clean, other = (compiled.encode([program.string(rng) for _ in range(PAIRS)]) for _ in range(2))
    config = replace(compiled.config, attention_scale=COLDNESS)
    graph, scored = Graph(config, "head", merge_pos=True), np.arange(clean.shape[1]) > 0
    donors = exhaustive.node_outputs(config, compiled.weights, other)
    effects = exhaustive.edge_effects(config, compiled.weights, graph, clean, donors, scored)
    unclear = (effects > SMALLEST / MARGIN) & (effects < SMALLEST * MARGIN)
    if unclear.any():
        raise ValueError(f"{name}: effects {effects[unclear]} are neither rounding nor clearly more")
    return frozenset(edge for edge, effect in zip(graph.edges, effects, strict=True) if effect > SMALLEST)


def compare(name: str) -> Comparison:
    program = PUBLIC[name].program
    compiled = compile_program(program.build(), program.vocabulary, program.length)
    return Comparison(name, count_edges(compiled), static_edges(compiled), live_edges(program, compiled, name))


def count_edges(compiled: Compiled) -> int:
    return len(set(Graph(compiled.config, "head", merge_pos=True).edges) - {OMITTED})


INTRODUCTION = f"""# Errata: static circuits of public programs against causal ones

Written by `python -P -m bench.models.compiled.errata`; `tests/golden/test_circuits_errata.py` compares.

The programs are **our re-expressions** of what the programs of circuits-benchmark (the suite of InterpBench 2024)
compute, under the public numbers. Their circuits need not be those of the public sources: figures for the
original programs need the original files, to which the same two functions (`static_edges`, `live_edges`) apply. What
the table shows of the suite is the method: what an edge that the compiler wired says about an edge that matters.

- *static*: a node reads an axis that another node writes, by the compiled weights, as the 2024 suite derives it.
- *live*: patching the edge alone under resample changes the output on one of {PAIRS} random pairs, by
  exhaustive patching in float64 with hard attention.
- *inert*: static and not live. *Missed*: live and not static. Query, key and value are merged, positions belong to the
  embedding; `edges` counts all but `{OMITTED}`, which gives the public counts of 44 for `reverse` and 14 for
  `xproportion` (which edge the suite leaves out is our reading of its count).
"""
COLUMNS = (
    "program",
    "public number",
    "edges",
    "static",
    "live",
    "inert",
    "missed",
    "names of the inert",
    "of the missed",
)


def row(found: Comparison) -> str:
    numbers = ", ".join(map(str, PUBLIC[found.name].numbers))
    counts = (found.graph, len(found.static), len(found.live), len(found.inert), len(found.missed))
    names = (" ".join(some) or "-" for some in (found.inert, found.missed))
    return "| " + " | ".join(map(str, (found.name, numbers, *counts, *names))) + " |"


def page() -> str:
    """The whole document in Markdown."""
    found = sorted(map(compare, PUBLIC), key=lambda one: PUBLIC[one.name].numbers)
    static, inert = sum(len(one.static) for one in found), sum(len(one.inert) for one in found)
    missed = sum(len(one.missed) for one in found)
    total = f"In all {len(found)} programs: {static} static edges, {inert} of them inert; {missed} live edges missed."
    header = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    return "\n".join([INTRODUCTION, total, "", *header, *map(row, found)]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
