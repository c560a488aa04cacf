"""The tables of docs/circuits-random.md: `python -P -m bench.tracks.circuits.random_table [METHOD ...]`.

Without methods: what is drawn. With methods: what they score on the same units; circuits are not run.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.catalogue import load_plugin, read_tracks
from bench.core.config import ROOT
from bench.core.contract import Unsupported, generator
from bench.core.problems import Workspace
from bench.models.compiled.programs.drawn import draw
from bench.models.compiled.programs.expressions import Variable
from bench.tracks.circuits.tasks import random_rasp
from bench.tracks.circuits.truth_table import line
from bench.tracks.circuits.types import Problem, Truth

SEEDS = range(3)
TREES = 100  # drawn programs behind the statistics of an instance
SHOWN = ("edge_auroc", "average_precision", "circuit_f1", "false_edge_rate", "equivariance", "change_detected")


def make(instance: str, seed: int, folder: str) -> tuple[Problem, Truth]:
    rng = generator("table", instance, seed)
    return random_rasp.generate(instance, seed, rng, Workspace(Path(folder), {}))


def drawn_row(instance: str) -> list[str]:
    """Of `TREES` programs the mean number of each kind of variable; of units the ranges of sizes, and mean CPU-s."""
    start, folder = time.process_time(), tempfile.mkdtemp()
    units = [make(instance, seed, folder) for seed in SEEDS]
    spent = (time.process_time() - start) / len(units)
    trees = [draw(random_rasp.SHAPES[instance], generator("table", "trees", instance, n)) for n in range(TREES)]
    sizes = [
        [len(problem.edges) for problem, _ in units],
        *([int(np.sum(verdict)) for verdict in verdicts] for verdicts in zip(*map(_verdicts, units), strict=True)),
    ]
    counts = [f"{np.mean([_count(tree, kind) for tree in trees]):.1f}" for kind in KINDS]
    return [instance, str(len(units[0][0].clean)), *map(_range, sizes), *counts, f"{spent:.1f}"]


KINDS = ("map", "sequence_map", "fetch", "count", "share")


def _verdicts(unit: tuple[Problem, Truth]) -> tuple[Any, ...]:
    return unit[1].live, unit[1].live_zero, unit[1].live_mean


def _count(tree: Variable, kind: str) -> int:
    return sum(node.kind == kind for node in tree.nodes())


def _range(values: list[int]) -> str:
    return f"{min(values)}-{max(values)}"


@cache
def scorer() -> Any:
    """The track's scorer without what runs the model."""
    score = load_plugin(read_tracks(ROOT)["circuits"].score)
    vars(score)["run_circuits"] = lambda problem, truth, answer: {}
    return score


def scores(method: str, instance: str, seed: int, unit: tuple[Problem, Truth]) -> dict[str, float]:
    """What a method scores on a unit; nothing where it declines."""
    solver = load_plugin(read_tracks(ROOT)["circuits"].solvers[method].path)
    try:
        answer = solver.solve(unit[0], generator("answer", instance, seed, method))
    except Unsupported:
        return {}
    return scorer().score(*unit, answer)


def method_rows(instance: str, methods: list[str]) -> Iterator[list[str]]:
    """Each method's means over the seeds."""
    folder = tempfile.mkdtemp()
    units = [make(instance, seed, folder) for seed in SEEDS]
    for method in methods:
        found = [scores(method, instance, seed, unit) for seed, unit in enumerate(units)]
        yield [instance, method, *(_mean([one[name] for one in found if name in one]) for name in SHOWN)]


def _mean(values: list[float]) -> str:
    return f"{np.mean(values):.2f}" if values else "-"


def lines(methods: list[str]) -> Iterator[str]:
    """Either table in Markdown."""
    head = (
        ["instance", "method", *SHOWN]
        if methods
        else ["instance", "pairs", "edges", "live: resample", "zero", "mean", *KINDS, "CPU-s"]
    )
    yield from (line(head), line("---" for _ in head))
    for instance in random_rasp.INSTANCES:
        yield from map(line, method_rows(instance, methods) if methods else [drawn_row(instance)])


if __name__ == "__main__":
    for text in lines(sys.argv[1:]):
        print(text, flush=True)
