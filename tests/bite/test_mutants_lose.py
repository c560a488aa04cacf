"""Every method mutant loses to its sound parent on the units that its defect touches, paired by seed."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core.catalogue import Plugin, Track, load_plugin, read_tracks
from bench.core.config import ROOT
from bench.core.contract import Unit, generator
from bench.core.problems import Workspace
from bench.core.statistics import difference
from bench.core.suites import units_of

TRACKS = read_tracks(ROOT)
MUTANTS = [
    pytest.param(track, mutant, id=f"{track.id}/{mutant.id}")
    for track in TRACKS.values()
    for mutant in track.mutants.values()
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("blobs")


@pytest.fixture(scope="module", autouse=True)
def no_circuit_is_run():
    """Faithfulness takes most of the time of scoring, and no mutant is judged by it."""
    score = load_plugin(TRACKS["circuits"].score)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score, "run_circuits", lambda problem, truth, answer: {})
        yield


@cache
def made(unit: Unit, task: Path, folder: Path) -> Any:
    return load_plugin(task).generate(unit.instance, unit.seed, generator("problem", unit.key), Workspace(folder, {}))


@cache
def scored(solver: Path, score: Path, unit: Unit, task: Path, folder: Path) -> dict[str, float]:
    problem, truth = made(unit, task, folder)
    answer = load_plugin(solver).solve(problem, generator("answer", unit.key, solver.stem))
    load_plugin(score.with_name("types.py")).check(problem, answer)
    return load_plugin(score).score(problem, truth, answer)


def cells(track: Track, solver: Plugin, touched: tuple[str, ...], metric: str, folder: Path) -> list[np.ndarray]:
    """Scores by touched instance, one draw a seed, larger is better."""
    sign = 1 if track.metrics[metric]["direction"] == "higher" else -1
    tasks = [(track.tasks[name.split("/")[0]], name.split("/")[1]) for name in touched]
    return [
        sign
        * np.array(
            [
                scored(solver.path, track.score, unit, task.path, folder)[metric]
                for unit in units_of(task, instance, range(task.seeds))
            ]
        )
        for task, instance in tasks
    ]


def headline(track: Track) -> str:
    cards = track.metrics.items()
    return next(name for name, card in cards if (card["role"], card["units"]) == ("headline", "live"))


@pytest.mark.slow
@pytest.mark.parametrize(("track", "mutant"), MUTANTS)
def test_a_mutant_loses_to_its_parent_with_the_interval_off_zero(track: Track, mutant: Plugin, folder: Path):
    metric = mutant.facts.get("METRIC", headline(track))
    parent = track.methods[mutant.facts["MUTANT_OF"]]
    both = [cells(track, solver, mutant.facts["TOUCHES"], metric, folder) for solver in (mutant, parent)]
    found, p = difference(*both)
    assert found.mean < 0
    assert p < 0.05
