"""Prints the table of docs/similarity.md: `python -P -m bench.tracks.similarity.measured SEEDS [INSTANCE ...]`.

Live instances show the share of regions whose source is found, null ones the share of regions that are claimed; p is
worked out on null instances alone. Seeds are those that score on no board.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.catalogue import load_plugin
from bench.core.contract import DEV_SEED, Unit, generator
from bench.core.problems import Workspace
from bench.tracks.similarity.score import score

TRACK = Path(__file__).parent


def units(seeds: int, wanted: list[str]) -> Iterator[tuple[str, list[tuple[Unit, Any, Any]]]]:
    """Each instance with its units, problems and truths."""
    for path in sorted((TRACK / "tasks").glob("[!_]*.py")):
        task = load_plugin(path)
        for instance in task.INSTANCES:
            if wanted and instance not in wanted:
                continue
            named = [Unit(TRACK.name, path.stem, task.VERSION, instance, DEV_SEED + at) for at in range(seeds)]
            with_problem = [
                (unit, *task.generate(instance, unit.seed, generator("problem", unit.key), Workspace(TRACK, {})))
                for unit in named
            ]
            yield f"{path.stem}/{instance}", with_problem


def value(method: Any, made: list[tuple[Unit, Any, Any]], name: str) -> float:
    """Mean headline of a method over units."""
    fast = "orders" in inspect.signature(method.solve).parameters and not made[0][2].null
    choice = {"orders": 1} if fast else {}
    scores = [
        score(problem, truth, method.solve(problem, generator("answer", unit.key, name), **choice))
        for unit, problem, truth in made
    ]
    return float(np.mean([next(iter(one.values())) for one in scores]))


def main(seeds: int, wanted: list[str]) -> None:
    paths = sorted((TRACK / "methods").glob("[!_]*.py"))
    print("instance", *(path.stem for path in paths))
    for label, made in units(seeds, wanted):
        values = [value(load_plugin(path), made, path.stem) for path in paths]
        print(label, *(f"{one:.2f}".lstrip("0") for one in values), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
