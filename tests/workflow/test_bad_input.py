"""Bad input gets one sentence with the thing, the value and the remedy, a non-zero exit, and loses nothing."""

import hashlib
import json
import os
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("suit=core", ("suit", "did you mean suite")),
        ("suite=cor", ("cor", "known are next")),
        ("tracks=toyy", ("toyy", "toy")),
        ("methods=means", ("means", "mean")),
        ("seeds=-1", ("seeds", "-1", "at least 1")),
        ("seeds=0", ("seeds", "0", "at least 1")),
        ("data_mirror=/nowhere", ("data_mirror", "/nowhere", "existing")),
        ("plugin_paths=/nowhere", ("plugin_paths", "/nowhere", "existing")),
        ("results=/proc/results", ("results", "/proc/results", "cannot be written")),
    ],
)
def test_a_bad_setting_is_one_sentence_with_key_value_and_remedy(copy, setting, words):
    for done in (copy.snakemake("--config", setting), copy.bench("plan", "--config", setting)):
        if "plan" in done.args and setting.startswith("results"):
            continue  # `plan` only reads
        assert done.returncode != 0
        sentence = next(line for line in (done.stdout + done.stderr).splitlines() if line.startswith("interpbench: "))
        assert all(word in sentence for word in words), sentence
        assert "Traceback" not in done.stderr


def test_an_empty_suite_is_refused_by_name(copy):
    suite = copy.root / "config" / "suites" / "empty-1.yaml"
    suite.write_text("name: empty\nversion: 1\ndescription: nothing\ntracks: {}\n")
    done = copy.bench("plan", "--config", "suite=empty")
    assert done.returncode == 2
    assert "empty-1 has no unit" in done.stderr


def test_a_suite_frozen_at_another_task_version_says_both_versions(copy):
    assert copy.bench("freeze", "next_frozen").returncode == 0
    task = copy.toy / "tasks" / "normal.py"
    task.write_text(task.read_text().replace("VERSION = 1", "VERSION = 2"))
    done = copy.bench("plan", "--config", "suite=next_frozen")
    assert done.returncode == 2
    assert "version 1" in done.stderr
    assert "has 2" in done.stderr


def test_a_negative_seed_in_a_suite_is_refused_with_its_place(copy):
    suite = copy.root / "config" / "suites" / "bad-1.yaml"
    suite.write_text(
        "name: bad\nversion: 1\ndescription: x\ntracks: {toy: {normal: {version: 1, instances: {wide: [-3]}}}}\n"
    )
    done = copy.bench("plan", "--config", "suite=bad")
    assert done.returncode == 2
    assert "tracks.toy.normal.instances.wide.0 is -3" in done.stderr


def test_a_method_with_broken_syntax_names_file_and_line(copy):
    (copy.toy / "methods" / "broken.py").write_text('"""Broken."""\n\ndef solve(:\n')
    done = copy.bench("plan")
    assert done.returncode == 2
    assert "broken.py: line 3" in done.stderr


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() or mount("-t", "tmpfs", "-o", "size=50m", "tmpfs", folder).returncode:
        pytest.skip("cannot mount a tmpfs here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def mount(*arguments):
    return subprocess.run(["mount", *arguments], check=False, capture_output=True)


def checksums(folder):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def add_a_method(copy):
    (copy.toy / "methods" / "another.py").write_text((copy.toy / "methods" / "median.py").read_text())


def test_a_full_disk_stops_with_one_sentence_and_loses_nothing(copy, disk):
    setting = ("--config", f"results={disk}/results")
    copy.make(*setting)
    before = checksums(disk / "results")
    add_a_method(copy)
    filler = disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(disk).free - 2**17))  # the plan still fits, the answers do not
    done = copy.snakemake(*setting)
    assert done.returncode != 0
    assert "No space left on device" in done.stdout + done.stderr
    assert "free" in done.stdout + done.stderr
    note = disk / "results" / "last_run.json"  # says which process ran last
    assert json.loads(note.read_text())["config"]["results"] == str(disk / "results")
    after = checksums(disk / "results")
    assert {path: sha for path, sha in after.items() if path in before and path != note} == {
        path: sha for path, sha in before.items() if path != note
    }
    filler.unlink()
    copy.make(*setting)
    assert_units_stand(disk, before)


def assert_units_stand(disk, before):
    """The added method was run, and no record or answer of the others is another."""
    after = checksums(disk / "results" / "units")
    old = {path for path in before if path.is_relative_to(disk / "results" / "units")}
    assert old < after.keys()
    assert all(after[path] == before[path] for path in old)


def test_a_results_folder_that_became_read_only_is_one_sentence_and_loses_nothing(copy, disk):
    setting = ("--config", f"results={disk}/results")
    copy.make(*setting)
    before = checksums(disk / "results")
    add_a_method(copy)
    assert mount("-o", "remount,ro", disk).returncode == 0
    done = copy.snakemake(*setting)
    assert done.returncode != 0
    (sentence,) = {line for line in (done.stdout + done.stderr).splitlines() if line.startswith("interpbench: ")}
    assert "cannot be written (Read-only file system)" in sentence
    assert "set results=FOLDER" in sentence
    assert checksums(disk / "results") == before
    assert mount("-o", "remount,rw", disk).returncode == 0
    copy.make(*setting)
    assert_units_stand(disk, before)


def suite_of_methods(copy, methods):
    (copy.root / "config" / "suites" / "some-1.yaml").write_text(
        f"name: some\nversion: 1\ndescription: x\nmethods: {{toy: [{methods}]}}\n"
        "tracks: {toy: {normal: {version: 1, instances: {wide: [0]}}}}\n"
    )
    return copy.bench("plan", "--config", "suite=some")


def test_a_suite_that_names_a_method_that_is_not_there_says_which_are(copy):
    done = suite_of_methods(copy, "meen")
    assert done.returncode == 2
    assert "method of toy: 'meen' is not known; did you mean mean" in done.stderr


def test_a_suite_may_run_some_methods_alone_with_their_mutants_and_all_controls(copy):
    done = suite_of_methods(copy, "median")
    assert done.returncode == 0
    assert "toy/median" in done.stdout
    assert "toy/oracle" in done.stdout
    assert "toy/mean" not in done.stdout
    asked = copy.bench("plan", "--config", "suite=some", "methods=[mean]").stdout
    assert "toy/mean" in asked  # what the config asks for by name is run
    assert "toy/median" not in asked
