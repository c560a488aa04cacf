"""From a method to a checked submission: packed by one command, believed only where our scorer agrees."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Copy
from tests.submitting import SUITE, edit_json, edit_record, tampered


def check(suite: Copy, folder: Path, *more: str) -> tuple[int, str]:
    done = suite.bench("check-submission", str(folder), *more, *SUITE)
    return done.returncode, done.stdout + done.stderr


def test_an_honest_submission_has_no_fault_and_scores_as_declared(suite: Copy, packed: Path) -> None:
    status, said = check(suite, packed, "--scores")
    assert status == 0, said
    assert f"{packed.name}: checked; 9 of 9 units scored by our scorer\n" in said


def test_a_score_that_our_scorer_does_not_give_is_named_with_its_line(suite, packed, tmp_path) -> None:
    folder = tampered(packed, tmp_path)
    edit_record(folder, 2, lambda record: record["score"]["metrics"]["closeness"].update(value=0.999))
    status, said = check(suite, folder, "--scores")
    assert status == 2
    assert "records.jsonl:2: closeness: the declared value is 0.999, our scorer gives 0." in said


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
    assert {one["@id"] for one in run["instrument"]} == {"#interpbench", "#snakemake"}
    referred = [one["@id"] for name in ("instrument", "agent", "object", "result") for one in run[name]]
    assert set(referred) <= entities.keys()
    facts = json.loads((packed / "provenance" / "config.json").read_text())
    assert facts["config"]["suite"] == "toy"
    assert facts["versions"]["snakemake"]
