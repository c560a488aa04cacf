"""Whatever lies in a submission's folder, the check says what is wrong, runs none of it and reads nothing outside."""

from __future__ import annotations

import json
import os
import pickle
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.core import store
from bench.submissions.check import check
from tests.conftest import Copy
from tests.submitting import edit_json, edit_record, own_up, tampered

PLACE = "answers/normal-v1/narrow/0"
META, ARRAYS = f"{PLACE}/meta.json", f"{PLACE}/arrays.safetensors"
GIBIBYTE = 2**30


def faults(suite: Copy, folder: Path) -> list[str]:
    return [str(fault) for fault in check(folder, suite.root).faults]


def write(folder: Path, name: str, data: bytes) -> None:
    """Put other bytes in a file's place and own up to them in the manifest."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    own_up(folder, name)


def answer(folder: Path, name: str, data: bytes) -> None:
    """Put another answer in the first one's place, with its checksum in record and manifest."""
    write(folder, name, data)
    digest = store.checksum(folder / PLACE)
    edit_record(folder, 1, lambda record: record.update(answer_sha256=digest, score=None))


def link(folder: Path, name: str, target: str) -> None:
    (folder / name).unlink()
    (folder / name).symlink_to(target)


def link_folder(folder: Path, name: str, target: str) -> None:
    (folder / name).rename(folder.parent / "moved")
    (folder / name).symlink_to(target, target_is_directory=True)


def pipe(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)


class Runs:
    """An object whose pickle makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def header_of(shape: list[int]) -> bytes:
    """A safetensors file that claims an array of this shape and holds eight bytes."""
    header = json.dumps({"scores": {"dtype": "F64", "shape": shape, "data_offsets": [0, 8]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(8)


def restate(field: str, value: object) -> Callable[[Path], None]:
    return lambda folder: edit_json(folder / "manifest.json", lambda m: m.update({field: value}))


def rerecord(**fields: object) -> Callable[[Path], None]:
    return lambda folder: edit_record(folder, 1, lambda record: record.update(fields))


def twice(folder: Path) -> None:
    lines = (folder / "records.jsonl").read_text().splitlines()
    write(folder, "records.jsonl", "\n".join([*lines[:-1], lines[0]]).encode())


ATTACKS: dict[str, tuple[Callable[[Path], object], str]] = {
    # what is no plain file
    "links an answer out of the folder": (lambda f: link(f, META, "/etc/passwd"), f"{META}: is a link"),
    "links a folder out of the folder": (lambda f: link_folder(f, "answers", "/"), "answers: is a link"),
    "links its records": (lambda f: link(f, "records.jsonl", "/dev/zero"), "records.jsonl: is a link"),
    "links its manifest": (lambda f: link(f, "manifest.json", "/dev/zero"), "manifest.json: is a link"),
    "answers with a pipe": (lambda f: pipe(f, ARRAYS), f"{ARRAYS}: is neither a file nor a folder"),
    # answers
    "claims 2^40 edges": (lambda f: answer(f, ARRAYS, header_of([2**40])), f"{PLACE}: InvalidAnswer"),
    "nests its answer without end": (lambda f: answer(f, META, b"[" * 10**6), f"{PLACE}: RecursionError"),
    "answers with a word": (lambda f: answer(f, META, b'{"location": "here"}'), "location is 'here', expected float"),
    "changes an answer after the run": (lambda f: write(f, META, b'{"location": 4.0}'), f"{PLACE}: is not the answer"),
    "brings its own code along": (lambda f: write(f, f"{PLACE}/arrays.py", b"1/0"), f"{PLACE}: holds arrays.py"),
    "answers a unit that no suite has": (
        lambda f: write(f, "answers/normal-v1/narrow/99/meta.json", b"{}"), "narrow/99/meta.json: belongs to no record",
    ),
    # files
    "hides a file": (lambda f: write(f, ".git/hooks/post-checkout", b""), ".git/hooks/post-checkout: is no part of"),
    "lists a file outside": (
        lambda f: edit_json(f / "manifest.json", lambda m: m["files"].update({"../x": m["files"][META]})),
        "../x: is listed in manifest.json and missing",
    ),
    "changes its method": (
        lambda f: (f / "method/mean.py").write_text('"""Other."""\nREFERENCE = ""\n'), "method/mean.py: has 28 bytes",
    ),
    "names a file that moves the cursor": (lambda f: write(f, "answers/\x1b[2J", b""), "answers/\\x1b[2J: belongs to"),
    "names another method's file": (
        lambda f: edit_json(f / "manifest.json", lambda m: m["method"].update(file="../../other.py")), "method.file:",
    ),
    "submits what is no method": (lambda f: write(f, "method/mean.py", b"import os\n"), "needs the literal REFERENCE"),
    "breaks Python's parser": (lambda f: write(f, "method/mean.py", b"A = " + b"-" * 10**5 + b"1"), "cannot be parsed"),
    # the manifest
    "links to a script": (
        restate("code", {"url": "javascript:alert(1)", "commit": "abcdef1"}), "code.url: 'javascript:alert(1)' ",
    ),
    "nests without end": (
        lambda f: (f / "manifest.json").write_bytes(b"[" * 10**6), "manifest.json: is not JSON (RecursionError",
    ),
    "bears another's name": (restate("handle", "bo"), "the manifest's name is 2"),
    "takes the oracle's name": (
        lambda f: edit_json(f / "manifest.json", lambda m: m["method"].update(id="oracle")), "id is oracle, a control",
    ),
    "says more than it may": (restate("tier", "verified"), "Additional properties are not allowed ('tier' was"),
    "runs on another suite": (
        lambda f: edit_json(f / "manifest.json", lambda m: m["suite"].update(sha256="0" * 64)), "has other units here",
    ),
    # records
    "takes a hard unit off for all": (
        rerecord(status="skipped", answer_sha256=None, score=None), "records.jsonl:1: status is skipped, which would",
    ),
    "forges the record of another method": (rerecord(method="median"), "records.jsonl:1: method is 'median', exp"),
    "calls itself a control": (rerecord(kind="control"), "records.jsonl:1: kind is 'control', expected 'method'"),
    "calls a live unit null": (rerecord(null=True), "records.jsonl:1: null is True, expected False"),
    "records another problem": (rerecord(problem_sha256="0" * 64), "records.jsonl:1: run_hash is "),
    "records a unit twice and another not": (twice, "has 2 records of toy/normal-v1/"),
    "leaves a unit out": (twice, "has no record of toy/normal-v1/"),
    "records NaN": (rerecord(cpu_seconds=float("nan")), "records.jsonl:1: is not JSON (ValueError: NaN is not JSON)"),
    "records an unknown unit": (rerecord(seed=99), "records.jsonl:1: toy/normal-v1/narrow/99 is no unit of toy-1"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_a_fault_with_its_file(suite: Copy, packed: Path, tmp_path: Path, attack: str) -> None:
    change, words = ATTACKS[attack]
    folder = tampered(packed, tmp_path)
    change(folder)
    said = faults(suite, folder)
    assert any(words in fault for fault in said), said


def test_the_untouched_submission_has_no_fault(suite: Copy, packed: Path) -> None:
    assert faults(suite, packed) == []


def test_a_pickle_is_refused_and_never_loaded(suite: Copy, packed: Path, tmp_path: Path) -> None:
    folder = tampered(packed, tmp_path)
    answer(folder, ARRAYS, pickle.dumps(Runs(tmp_path / "it ran")))
    assert any(f"{PLACE}: InvalidAnswer" in fault and "SafetensorError" in fault for fault in faults(suite, folder))
    assert not (tmp_path / "it ran").exists()


def test_a_sparse_answer_of_a_hundred_gigabytes_is_refused_unread(suite: Copy, packed: Path, tmp_path: Path) -> None:
    folder = tampered(packed, tmp_path)
    os.truncate(folder / ARRAYS, 100 * GIBIBYTE)
    edit_json(folder / "manifest.json", lambda m: m["files"][ARRAYS].update(bytes=100 * GIBIBYTE))
    began = time.monotonic()
    said = faults(suite, folder)
    assert time.monotonic() - began < 2
    assert any(f"{PLACE}: arrays.safetensors has {100 * GIBIBYTE} bytes, allowed are" in fault for fault in said)
    assert any(fault.startswith(".: holds 107,374,") for fault in said)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
def test_a_device_is_refused_unread(suite: Copy, packed: Path, tmp_path: Path) -> None:
    folder = tampered(packed, tmp_path)
    (folder / ARRAYS).unlink()
    try:
        os.mknod(folder / ARRAYS, 0o20666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this machine lets nobody make a device")
    assert any(fault.startswith(f"{ARRAYS}: is neither a file nor a folder") for fault in faults(suite, folder))


def test_all_faults_are_said_and_not_the_first_alone(suite: Copy, packed: Path, tmp_path: Path) -> None:
    folder = tampered(packed, tmp_path)
    for change, _ in (ATTACKS["links an answer out of the folder"], ATTACKS["calls itself a control"],
                      ATTACKS["says more than it may"], ATTACKS["submits what is no method"]):  # fmt: skip
        change(folder)
    said = "\n".join(faults(suite, folder))
    for words in (f"{META}: is a link", "kind is 'control'", "('tier' was", "needs the literal REFERENCE"):
        assert words in said
