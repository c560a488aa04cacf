"""Frozen suites: the newest of each name can be run as they stand."""

from __future__ import annotations

import shutil

import pytest
import yaml

from bench.core.catalogue import read_tracks
from bench.core.config import ROOT
from bench.core.contract import BadInput
from bench.core.plan import make_plan
from bench.core.suites import all_units, load_suite, suite_files

TRACKS = read_tracks(ROOT)


@pytest.mark.parametrize("name", suite_files(ROOT))
def test_the_newest_suite_of_a_name_holds_units_that_exist(name):
    suite = load_suite(name, TRACKS, ROOT)
    assert set(suite.units) <= set(all_units(TRACKS))


def test_the_smoke_suite_stays_small():
    jobs = make_plan({"suite": "smoke"}, ROOT).jobs
    assert len({job.spec["track"] for job in jobs if job.stage == "run"}) <= 4
    assert len(jobs) <= 40


def test_no_more_seeds_are_planned_than_there_are():
    for unit in all_units(TRACKS):
        most = TRACKS[unit.track].tasks[unit.task].max_seeds
        assert most is None or unit.seed < most


def test_a_suite_that_asks_for_a_seed_too_many_is_refused(tmp_path):
    for name in ("workflow", "config"):
        shutil.copytree(ROOT / name, tmp_path / name)
    path = tmp_path / "config" / "suites" / "core-9.yaml"
    tracks = {"circuits": {"siit": {"version": 1, "instances": {"balance": [0, 3]}}}}
    path.write_text(yaml.safe_dump({"name": "core", "version": 9, "description": "one too many", "tracks": tracks}))
    with pytest.raises(BadInput, match="frozen with seed 3, and there are 3"):
        load_suite("core", TRACKS, tmp_path)
