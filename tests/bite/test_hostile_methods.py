"""Whatever a method does, its unit becomes one record that says so, and nothing else suffers."""

from __future__ import annotations

import dataclasses
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.core import sandbox
from bench.core.supervisor import SupervisorFault
from tests.doubling import LIMITS, METHODS, SIGNAL, Place

EVERYWHERE = {  # these end alike at every level
    "raises": ("error", "RuntimeError: the matrix is singular"),
    "ends_process": ("no_answer", "exit status 0"),
    "segfaults": ("error", "SIGSEGV"),
    "aborts": ("error", "SIGABRT"),
    "loops": ("timeout", "CPU seconds"),
    "loops_in_children": ("timeout", "CPU seconds"),
    "hogs_memory": ("oom", "memory"),
    "hogs_in_children": ("oom", "memory"),
    "leaves_process": ("ok", "1 process outlived the unit"),
    "changes_input": ("error", "changed its input signal in place"),
    "floods_log": ("ok", ""),
    "floods_disk": ("error", "wrote more than"),
    "writes_huge_file": ("error", "File too large"),
}
ONCE = {  # what the trusted process decides alone, or what depends on no protection
    "digs_deep": ("ok", ""),
    "litters_on": ("ok", ""),
    "closes_folders": ("ok", ""),
    "declines": ("unsupported", "needs more samples"),
    "exits_cleanly": ("no_answer", "sys.exit(0)"),
    "exits_with_fault": ("error", "wrong licence"),
    "hogs_at_once": ("oom", "MemoryError"),
    "returns_nan": ("nan", "NaN"),
    "returns_wrong_shape": ("invalid_answer", "doubled has 5 samples, the signal has 4"),
    "returns_wrong_axes": ("invalid_answer", "doubled has shape (3, 3)"),
    "returns_none": ("no_answer", "returned None"),
    "returns_other_type": ("invalid_answer", "numpy.ndarray"),
    "huge_remarks": ("invalid_answer", "meta.json has 40160013 bytes"),
    "answer_is_link": ("invalid_answer", "meta.json is not a regular file"),
    "answer_is_pipe": ("invalid_answer", "arrays.safetensors is not a regular file"),
    "answer_is_missing": ("no_answer", "arrays.safetensors"),
    "answer_is_nested": ("invalid_answer", "RecursionError"),
    "answer_is_noise": ("invalid_answer", "SafetensorError"),
    "answer_is_hollow": ("error", "File too large"),
    "answer_is_pickle": ("invalid_answer", "SafetensorError"),
    "answer_is_device": ("invalid_answer", "arrays.safetensors is not a regular file"),
    "answer_claims_more": ("invalid_answer", "SafetensorError"),
    "answer_folder_is_link": ("invalid_answer", "not a folder"),
    "forges_claim": ("error", "wrote into the supervisor's pipe"),
    "floods_pipe": ("error", "wrote into the supervisor's pipe"),
}
OUTSIDE = {  # what a closed view or network stops: (how, what the record says where it is not stopped)
    "reads_truth": ("No such file", "truth may be visible"),
    "reads_truth_through_proc": ("No such file", "truth may be visible"),
    "reads_truth_through_link": ("No such file", "truth may be visible"),
    "writes_beside": ("No such file", "may write outside"),
    "changes_code": ("Read-only file system", "may write outside"),
    "opens_socket": ("Connection refused|Network is unreachable", "without a closed network"),
}
SLEEPING = ("sleeps", "sleeps_deaf")
UNLOADABLE = {
    "fails_to_load": ("error", "while loading: RuntimeError: no licence"),
    "leaves_at_load": ("error", "while loading: the method's process ended with exit status 3"),
}


@pytest.fixture
def place(tmp_path: Path, port: int) -> Iterator[Place]:
    made = Place.make(tmp_path, port)
    yield made
    assert made.left_behind() == []


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A service on this machine that a method must not reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The levels that work on this machine."""
    place = Place.make(tmp_path_factory.mktemp("levels"))
    return [level for level in sandbox.LEVELS if _works(place, level)]


def _works(place: Place, level: str) -> bool:
    try:
        return [outcome.status for outcome in place.run("honest", levels=[level])] == ["ok"] * 3
    except SupervisorFault:
        return False


def run_one(place: Place, method: str, level: str, levels: list[str], limits=LIMITS):
    """The outcome of the unit on which the method misbehaves; the other two must be as if nothing had happened."""
    if level not in levels:
        pytest.skip(f"{level} does not work on this machine")
    outcomes = place.run(method, limits, levels=[level])
    assert [outcome.assignment for outcome in outcomes] == place.assignments
    assert [outcomes[0].status, outcomes[2].status] == ["ok", "ok"]
    for seed in (0, 2):
        np.testing.assert_array_equal(place.answer(seed), 2 * (SIGNAL + seed))
    assert (place.answer(1) is not None) == (outcomes[1].status == "ok")
    return outcomes[1]


@pytest.mark.parametrize("level", sandbox.LEVELS)
@pytest.mark.parametrize("method", EVERYWHERE)
def test_a_hostile_unit_is_one_record_at_every_level(place, levels, method, level):
    outcome = run_one(place, method, level, levels)
    status, words = EVERYWHERE[method]
    assert outcome.status == status, outcome
    assert words in outcome.reason
    assert outcome.protections[0] == level


@pytest.mark.parametrize("method", ONCE)
def test_a_bad_answer_is_one_record_with_its_reason(place, levels, method):
    outcome = run_one(place, method, levels[0], levels)
    status, words = ONCE[method]
    assert outcome.status == status, outcome
    assert words in outcome.reason


@pytest.mark.parametrize("level", sandbox.LEVELS)
@pytest.mark.parametrize("method", OUTSIDE)
def test_what_lies_outside_is_out_of_reach_or_the_record_says_that_it_was_not(place, levels, method, level):
    outcome = run_one(place, method, level, levels)
    how, confession = OUTSIDE[method]
    if outcome.status == "ok":
        assert any(confession in words for words in outcome.protections), outcome.protections
        assert level == "rlimits"
    else:
        assert outcome.status == "error"
        assert re.search(f"{how}|Permission denied", outcome.reason), outcome.reason
        assert not any(confession in words for words in outcome.protections), outcome.protections


@pytest.mark.parametrize("level", sandbox.LEVELS)
def test_the_memory_of_other_processes_is_closed_or_the_record_says_that_the_user_is_the_same(place, levels, level):
    outcome = run_one(place, "reads_supervisor", level, levels)
    if outcome.status == "ok":  # an own user is missing, and neither capabilities nor Yama stand between
        assert level == "rlimits"
        assert "without an own user" in outcome.protections
    else:
        assert re.search("No such file|Permission denied", outcome.reason), outcome.reason


@pytest.mark.parametrize("level", sandbox.LEVELS)
def test_a_fork_loop_is_bounded_and_leaves_nothing(place, levels, level):
    if level in levels and "without a process-count group" in place.run("honest", levels=[level])[0].protections:
        pytest.skip("nothing bounds the number of processes of root here")
    outcome = run_one(place, "forks_for_ever", level, levels)
    assert outcome.status in ("timeout", "oom", "error")


@pytest.mark.parametrize("level", sandbox.LEVELS)
@pytest.mark.parametrize("method", SLEEPING)
def test_sleeping_for_ever_ends_at_the_wall_clock_limit(place, levels, method, level):
    limits = dataclasses.replace(LIMITS, cpu_seconds=0.1)
    outcome = run_one(place, method, level, levels, limits)
    assert outcome.status == "timeout"
    assert "wall-clock" in outcome.reason
    assert limits.wall_seconds < outcome.wall_seconds < limits.wall_seconds + 1


@pytest.mark.parametrize("method", UNLOADABLE)
def test_a_method_that_cannot_be_loaded_fails_on_every_unit(place, method):
    status, words = UNLOADABLE[method]
    outcomes = place.run(method)
    assert [outcome.status for outcome in outcomes] == [status] * 3
    assert all(words in outcome.reason for outcome in outcomes)


def test_a_file_without_solve_fails_on_every_unit(place):
    assert {outcome.status for outcome in place.run("has_no_solve")} == {"error"}


def test_a_sparse_answer_of_a_hundred_gigabytes_is_refused_unread(place, levels):
    limits = dataclasses.replace(LIMITS, file_bytes=2**40)
    outcome = run_one(place, "answer_is_hollow", levels[0], levels, limits)
    assert outcome.status == "invalid_answer"
    assert f"arrays.safetensors has {100 * 2**30} bytes" in outcome.reason
    assert outcome.wall_seconds < 1


def test_a_flood_of_output_leaves_a_short_plain_tail(place, levels):
    tail = run_one(place, "floods_log", levels[0], levels).log_tail
    assert tail.endswith("the end")
    assert 1000 < len(tail) <= 4000
    assert "\x1b" not in tail


def test_the_traceback_of_a_failure_stands_in_the_log_tail(place, levels):
    assert "raises.py" in run_one(place, "raises", levels[0], levels).log_tail


def test_every_hostile_method_is_tried():
    alone = {"honest", "types", "forks_for_ever", "has_no_solve", "reads_supervisor"}
    tried = {*alone, *EVERYWHERE, *ONCE, *OUTSIDE, *SLEEPING, *UNLOADABLE}
    assert {path.stem for path in METHODS.glob("*.py")} == tried
