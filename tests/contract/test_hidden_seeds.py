"""Every task that gives a hidden score takes a seed of 128 bits."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.core import store
from bench.core.catalogue import load_plugin, read_tracks
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.submissions.rounds import hidden_unit
from bench.submissions.verify import without_hidden

FRESH = {
    f"{track.id}/{task.id}": task
    for track in read_tracks(ROOT).values()
    for task in track.tasks.values()
    if without_hidden(task) is None
}


@pytest.mark.full
@pytest.mark.parametrize("name", FRESH)
def test_a_hidden_unit_of_the_first_small_instance_can_be_made(name: str, tmp_path: Path) -> None:
    task = FRESH[name]
    instance = next(i for i, facts in task.facts["INSTANCES"].items() if facts["size"] == "small")
    unit = hidden_unit(bytes(32), task.track, task.id, task.facts["VERSION"], instance, 0)
    assert unit.seed > 2**64
    workspace = Workspace(tmp_path / "blobs", {})
    problem, truth = load_plugin(task.path).generate(instance, unit.seed, generator("problem", unit.key), workspace)
    store.write(problem, tmp_path / "problem")
    store.write(truth, tmp_path / "truth")
