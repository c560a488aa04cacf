"""After `kill -9` of Snakemake or of a child, `bench resume` loses at most the running unit."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from bench.core import lifeline

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


def stage_of(pid: int, verb: str) -> int | None:
    """The process of a stage below a Snakemake, as soon as it is there."""
    for process in psutil.Process(pid).children(recursive=True):
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if words[2:5] == ["-m", "bench", verb]:
            return process.pid
    return None


def test_while_problems_are_made_nothing_may_be_resumed_or_removed_and_a_kill_leaves_no_stage_behind(copy):
    task = copy.toy / "tasks" / "normal.py"
    pause = "import time\n\nimport numpy", "    time.sleep(3)\n    location = 0.0 if"
    text = task.read_text().replace("import numpy", pause[0]).replace("    location = 0.0 if", pause[1])
    task.write_text(text)
    process = copy.start(sys.executable, "-m", "snakemake", "--cores", "2", "--config", "seeds=1", "results=made/here")
    stage = wait_for(lambda: stage_of(process.pid, "problems"))
    for command in (["resume"], ["clean"], ["verify", "--prune"]):
        settings = [] if command == ["resume"] else ["--config", "results=made/here"]
        refused = copy.bench(*command, *settings)
        assert refused.returncode == 2
        assert f"snakemake {process.pid}" in refused.stderr
        assert "still runs" in refused.stderr
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_for(lambda: not alive(stage), 30)
    resumed = copy.bench("resume")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert (copy.root / "made" / "here" / "next" / "leaderboard" / "index.html").is_file()


def test_a_stage_whose_snakemake_is_gone_before_it_begins_does_nothing(copy):
    copy.make("--config", "seeds=1", "--until", "problems")
    (plan,), ended = (
        copy.results.glob("plans/*.json"),
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE),
    )
    name = f"{ended.pid}:{lifeline.start_of(ended.pid)}"
    assert lifeline.find_workflow(name).pid == ended.pid
    assert lifeline.find_workflow(f"{ended.pid}:1") is None  # another process under a number used again
    ended.communicate(b"\n")
    (job,) = [job for job in json.loads(plan.read_text())["jobs"].values() if job["name"] == "toy/mean/small"]
    command = [sys.executable, "-P", "-m", "bench", "run", "--plan", str(plan), "--output", job["output"]]
    orphan = subprocess.run(command, cwd=copy.root, env=copy.environment() | {"INTERPBENCH_SNAKEMAKE": name})
    assert orphan.returncode == -signal.SIGKILL
    assert not list(copy.results.glob("units/toy/mean/**/run.jsonl"))
    by_hand = subprocess.run(command, cwd=copy.root, env=copy.environment(), check=True)
    assert by_hand.returncode == 0
    assert list(copy.results.glob("units/toy/mean/**/run.jsonl"))
