"""After `kill -9` of Snakemake or of a child, `bench resume` loses at most the running unit."""

import os
import signal
import sys
import time

import psutil
import pytest

pytestmark = pytest.mark.slow

SLOW = '''"""A mean that takes its time."""

import time

from bench.tracks.toy.types import Answer, Problem

REFERENCE = "none"


def solve(problem: Problem, rng) -> Answer:
    time.sleep(0.7)
    return Answer(float(problem.sample.mean()))
'''


def wait_for(condition, seconds: float = 90.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("the condition did not come true in time")


def slow_records(copy) -> dict[str, str]:
    return {str(path): path.read_text() for path in copy.results.glob("units/toy/slow/*/*/*/*/run.jsonl")}


def test_killing_snakemake_mid_run_loses_at_most_the_running_unit(copy):
    (copy.toy / "methods" / "slow.py").write_text(SLOW)
    process = copy.start(sys.executable, "-m", "snakemake", "--cores", "2", "--config", "seeds=3")
    wait_for(lambda: len(slow_records(copy)) >= 3)
    family = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_for(lambda: not any(alive(pid) for pid in family))
    done = slow_records(copy)
    assert 3 <= len(done) < 9
    resumed = copy.bench("resume")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    after = slow_records(copy)
    assert len(after) == 9
    assert done.items() <= after.items()
    assert {record["status"] for record in copy.records()} == {"ok"}


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_killing_a_child_is_one_record_and_the_run_goes_on(copy):
    (copy.toy / "methods" / "slow.py").write_text(SLOW)
    process = copy.start(sys.executable, "-m", "snakemake", "--cores", "2", "--config", "seeds=3")
    wait_for(lambda: len(slow_records(copy)) >= 1)
    os.kill(wait_for(lambda: solving_child(process.pid)), signal.SIGKILL)
    assert process.wait(timeout=120) == 0
    statuses = [record["status"] for record in copy.records() if record["method"] == "slow"]
    assert sorted(statuses) == ["error"] + ["ok"] * 8


def solving_child(pid: int) -> int | None:
    """The process that solves (the innermost one that runs bench.core.child), if it is there."""
    found = [
        p
        for p in psutil.Process(pid).children(recursive=True)
        if "slow.py" in " ".join(p.cmdline()) or "bench.core.child" in " ".join(p.cmdline())
    ]
    children = [p for p in found if not p.children()]
    return children[-1].pid if children else None


def test_resume_refuses_while_a_run_is_alive_and_says_so(copy):
    (copy.toy / "methods" / "slow.py").write_text(SLOW)
    process = copy.start(sys.executable, "-m", "snakemake", "--cores", "2", "--config", "seeds=3")
    wait_for(lambda: len(slow_records(copy)) >= 1)
    refused = copy.bench("resume")
    assert refused.returncode == 2
    assert "still runs" in refused.stderr
    assert process.wait(timeout=120) == 0
