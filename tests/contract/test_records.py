"""Records meet their schema, are written whole, and malformed ones are named by line."""

import json

import pytest

from bench.core import records
from bench.core.contract import BadInput

GOOD = {
    "schema": 1, "track": "toy", "task": "normal", "task_version": 1, "instance": "wide", "seed": 0, "null": False,
    "board": "truth", "size": "small", "method": "mean", "kind": "method", "status": "ok", "reason": "", "log_tail": "",
    "run_hash": "aa", "problem_sha256": "bb", "answer_sha256": "cc", "environment_sha256": "dd", "versions": {},
    "hardware": {"cpu": "", "cores": 1, "memory_bytes": 1, "platform": "", "gpu": None}, "protections": [],
    "wall_seconds": 0.1, "cpu_seconds": 0.1, "peak_memory_bytes": 1, "calibration_seconds": 0.1,
    "passes": None, "started": "",
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"status": "fine"},
        {"seed": -1},
        {"extra": 1},
        {"answer_sha256": None},
        {"cpu_seconds": -0.1},
        {"calibration_seconds": 0},
        {"passes": {"forward": -1}},
        {"hardware": {}},
    ],
)
def test_a_record_that_breaks_the_schema_is_refused(change, tmp_path):
    with pytest.raises(BadInput, match="record"):
        records.append(tmp_path / "run.jsonl", {**GOOD, **change}, "record")
    assert not (tmp_path / "run.jsonl").exists()


def test_records_are_appended_and_the_newest_match_is_found(tmp_path):
    path = tmp_path / "run.jsonl"
    records.append(path, GOOD, "record")
    records.append(path, {**GOOD, "run_hash": "ff", "reason": "second"}, "record")
    assert records.last(path, "record")["reason"] == "second"
    assert records.last(path, "record", run_hash="aa")["reason"] == ""
    assert records.last(path, "record", run_hash="no") is None


def test_a_malformed_line_is_named_by_file_and_number(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_text(json.dumps(GOOD) + '\n{"half": \n')
    with pytest.raises(BadInput, match=r"run.jsonl: line 2"):
        list(records.read_lines(path, "record"))
    assert records.last(path, "record") is None


def test_not_a_number_never_enters_a_record():
    with pytest.raises(ValueError, match="not JSON compliant"):
        records.line({**GOOD, "cpu_seconds": float("nan")})
