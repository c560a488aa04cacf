"""The tables of compiled programs in docs/circuits-truth.md: `python -P -m bench.tracks.circuits.truth_table`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.models.graph import Graph
from bench.tracks.circuits.tasks import tracr

COLUMNS = (
    "instance", "layers x heads", "pairs", "edges", "live: resample", "zero", "mean", "live nodes",
    "weakest", "gap", "CPU-s",
)  # fmt: skip
MEASURED = ("weakest", "gap", "CPU-s")
"""Columns that depend on rounding or on the machine; the others are the same everywhere."""
GRANULARITY_COLUMNS = ("node", "head", "qkv", "acdc")


def row_of(instance: str) -> dict[str, str]:
    """What the first seed's unit of an instance looks like; CPU seconds are those of one unit."""
    _ = tracr.source(instance).all_live_edges  # made once for all seeds, so before the clock starts
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        problem, truth = tracr.generate(instance, 0, generator("truth table", instance), Workspace(Path(folder), {}))
    spent = time.process_time() - start
    heads = {node for node in problem.nodes if ".h" in node}
    layers = {node.split(".")[0] for node in heads}
    verdicts = (truth.live, truth.live_zero, truth.live_mean, truth.node_live)
    live, effects = truth.circuits[0], np.asarray(truth.effects)
    counts = (np.count_nonzero(np.asarray(verdict)) for verdict in verdicts)
    weakest = f"{effects[live].min():.2f}" if live.any() else "-"
    values = (
        instance, f"{len(layers)} x {len(heads) // len(layers)}", len(problem.clean), len(problem.edges), *counts,
        weakest, f"{truth.gap:.0e}", f"{spent:.2f}",
    )  # fmt: skip
    return dict(zip(COLUMNS, map(str, values), strict=True))


def counts_of(instance: str) -> dict[str, str]:
    """The number of edges of an instance's program, not dressed, at each granularity."""
    config = tracr.source(instance).wiring.compiled.config
    return {"instance": instance, **{name: str(len(Graph(config, name).edges)) for name in GRANULARITY_COLUMNS}}


def line(values: Iterable[str]) -> str:
    return "| " + " | ".join(values) + " |"


def lines() -> Iterator[str]:
    """Both tables in Markdown."""
    for columns, row in ((COLUMNS, row_of), (("instance", *GRANULARITY_COLUMNS), counts_of)):
        yield from (line(columns), line("---" for _ in columns))
        yield from (line(row(instance).values()) for instance in tracr.INSTANCES)
        yield ""


if __name__ == "__main__":
    for text in lines():
        print(text, flush=True)
