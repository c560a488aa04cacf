"""Frozen suites: the newest of each name can be run as they stand."""

from __future__ import annotations

import shutil

import pytest
import yaml

from bench.core.catalogue import read_tracks
from bench.core.config import ROOT
from bench.core.contract import BadInput
from bench.core.plan import make_plan
from bench.core.suites import all_units, chosen_units, freeze, load_suite, suite_files

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


@pytest.fixture
def root(tmp_path):
    for name in ("workflow", "config"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def test_a_frozen_suite_holds_the_chosen_units_and_methods(root):
    patterns = ["circuits/planted/any_of_*:2", "encoding/planted/sparse", "circuits/planted/any_of_two:1"]
    freeze("mine", "two tracks", chosen_units(TRACKS, patterns), root, {"circuits": ["eap", "acdc"]})
    suite = load_suite("mine", TRACKS, root)
    assert [unit.key for unit in suite.units] == [
        *(f"circuits/planted-v1/{name}/{seed}" for name in ("any_of_pairs", "any_of_two") for seed in (0, 1)),
        *(f"encoding/planted-v1/sparse/{seed}" for seed in range(TRACKS["encoding"].tasks["planted"].seeds)),
    ]
    assert suite.methods == {"circuits": ("acdc", "eap")}
    assert suite.label == "mine-1"


@pytest.mark.parametrize("pattern", ["circuits/planted/any_of_too", "circuits/planted/any_of_two:some"])
def test_units_that_do_not_exist_are_refused_by_pattern(pattern):
    with pytest.raises(BadInput, match=pattern.rsplit(":", 1)[-1]):
        list(chosen_units(TRACKS, [pattern]))


@pytest.mark.parametrize("name", ["My-Suite", "next", "core-3", ""])
def test_a_name_that_would_hide_other_suites_is_refused(root, name):
    before = sorted((root / "config" / "suites").iterdir())
    with pytest.raises(BadInput, match="lower-case letters"):
        freeze(name, "no", all_units(TRACKS), root)
    assert sorted((root / "config" / "suites").iterdir()) == before
