"""From a method to a checked submission: packed by one command, believed only where our scorer agrees."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.core import store
from bench.submissions.rounds import new_round
from tests.conftest import Copy
from tests.submitting import STATED, SUITE, edit_json, edit_record, freeze, own_up, tampered


def check(suite: Copy, folder: Path, *more: str) -> tuple[int, str]:
    done = suite.bench("check-submission", str(folder), *more, *SUITE)
    return done.returncode, done.stdout + done.stderr


def test_an_honest_submission_has_no_fault_and_scores_as_declared(suite: Copy, packed: Path) -> None:
    status, said = check(suite, packed, "--scores")
    assert status == 0, said
    assert f"{packed.name}: checked; 9 of 9 units scored by our scorer\n" in said


def test_several_faults_are_all_said_at_once_with_their_lines(suite, packed, tmp_path) -> None:
    folder = tampered(packed, tmp_path)
    edit_json(folder / "manifest.json", lambda m: (m.update(licence=""), m["tuning"].update(on="test set")))
    (folder / "answers/normal-v1/narrow/0/arrays.safetensors").unlink()
    status, said = check(suite, folder)
    lines = (folder / "manifest.json").read_text().splitlines()
    place = {name: next(n for n, text in enumerate(lines, 1) if f'"{name}":' in text) for name in ("licence", "on")}
    assert status == 2
    assert f"manifest.json:{place['licence']}: licence: '' " in said
    assert f"manifest.json:{place['on']}: tuning.on: 'test set' " in said
    assert "answers/normal-v1/narrow/0/arrays.safetensors: is listed in manifest.json and missing" in said
    assert "answers/normal-v1/narrow/0: has no arrays.safetensors" in said
    assert "4 faults" in said


def test_the_crate_describes_every_file_and_says_how_it_was_made(packed: Path) -> None:
    crate = json.loads((packed / "ro-crate-metadata.json").read_text())
    entities = {one["@id"]: one for one in crate["@graph"]}
    files = {str(path.relative_to(packed)) for path in packed.rglob("*") if path.is_file()}
    assert {part["@id"] for part in entities["./"]["hasPart"]} == files - {"ro-crate-metadata.json"}
    assert entities["ro-crate-metadata.json"]["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    run = entities["#run"]
    assert {one["@id"] for one in run["instrument"]} == {"#interpbench", "https://snakemake.github.io"}
    referred = [one["@id"] for name in ("instrument", "agent", "object", "result") for one in run[name]]
    assert set(referred) <= entities.keys()
    facts = json.loads((packed / "provenance" / "config.json").read_text())
    assert facts["config"]["suite"] == "toy"
    assert facts["versions"]["snakemake"]


def test_every_score_that_our_scorer_does_not_give_is_named_with_its_line(
    suite: Copy, packed: Path, tmp_path: Path
) -> None:
    folder = tampered(packed, tmp_path)
    edit_record(folder, 1, lambda record: record["score"]["metrics"]["closeness"].update(floor=-10.0))
    edit_record(folder, 3, lambda record: record["score"]["metrics"]["closeness"].update(value=0.999))
    meta = folder / "answers/normal-v1/narrow/1/meta.json"
    meta.write_text('{"location": NaN}')
    own_up(folder, str(meta.relative_to(folder)))
    digest = store.checksum(meta.parent)
    edit_record(folder, 2, lambda record: record.update(answer_sha256=digest, score=None))
    status, said = check(suite, folder, "--scores")
    assert status == 2
    assert "records.jsonl:1: closeness: the declared floor is -10.0, our scorer gives 0." in said
    assert "records.jsonl:2: toy/normal-v1/narrow/1: its answer is not valid: location has 1 values" in said
    assert "records.jsonl:3: closeness: the declared value is 0.999, our scorer gives 0." in said
    assert "3 faults" in said


def test_answers_of_another_language_reach_the_tier_checked(suite: Copy, tmp_path: Path) -> None:
    done = suite.bench("export-problems", "toy", "-o", str(tmp_path / "problems"), *SUITE)
    assert done.returncode == 0, done.stderr
    problems = sorted((tmp_path / "problems").glob("*/*/*"))
    assert len(problems) == 9
    assert not list((tmp_path / "problems").glob("**/*truth*"))
    for place in problems[:8]:  # the last one stays without an answer
        answer = tmp_path / "answers" / place.relative_to(tmp_path / "problems")
        answer.mkdir(parents=True)
        (answer / "meta.json").write_text('{"location": 4.0}')
        (answer / "arrays.safetensors").write_bytes(b"\x02" + bytes(7) + b"{}")
    words = ("midmean", str(tmp_path / "answers"), "--title", "Midmean", *STATED, "-o", str(tmp_path))
    done = suite.bench("submit-answers", "toy", *words, *SUITE)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = Path(done.stdout.strip())
    status, said = check(suite, folder, "--scores")
    assert status == 0, said
    assert "8 of 9 units scored" in said


@pytest.mark.slow
def test_a_page_holds_what_is_checked_lists_what_is_not_and_shows_what_is_verified(copy: Copy, packed: Path) -> None:
    for plugin in ("methods/median", "mutants/off_by_one"):  # fewer jobs
        (copy.toy / f"{plugin}.py").unlink()
    freeze(copy)
    copied = copy.root / "leaderboard" / "submissions"
    honest = tampered(packed, copied)
    forged = honest.with_name(honest.name.replace("ada", "eve"))
    shutil.copytree(honest, forged)
    edit_json(forged / "manifest.json", lambda m: m.update(handle="eve", name=forged.name))
    edit_record(forged, 1, lambda record: record["score"]["metrics"]["closeness"].update(value=1.0))
    key = copy.root / "key"
    new_round("r1", key, copy.root)
    done = copy.bench("verify-submission", str(honest), "--round", "r1", "--key", str(key), *SUITE)
    assert done.returncode == 0, done.stderr
    copy.make(*SUITE)
    index = (copy.results / "toy/leaderboard/index.html").read_text()
    rows = {record["method"] for record in copy.records("toy")}
    assert honest.name in rows
    assert forged.name not in rows
    listed = {entry["name"]: entry for entry in read(copy.results / "toy/catalogue.json")["submissions"]}
    assert listed[honest.name]["tier"] == "verified"
    assert listed[honest.name]["verification"]["revealed"] is False
    assert listed[forged.name]["tier"] == "self-reported"
    assert "scores that are not ours: 1" in listed[forged.name]["reason"]
    assert index.count("✓✓ verified") == 2  # on its board and in the list
    table = pd.read_parquet(copy.results / "toy/leaderboard/scores.parquet")
    assert honest.name in set(table.method)


def read(path: Path) -> Any:
    return json.loads(path.read_text())
