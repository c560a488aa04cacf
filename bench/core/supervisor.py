"""Run one method on its units, each in a confined child under limits, and give exactly one outcome a unit.

The supervisor is trusted and imports no method and no torch; the child (`bench.core.child`) is not trusted. All that
the child can say is that its unit failed, or that an answer lies in its scratch folder: the supervisor then copies
the answer, regular files of bounded size only, reads it as data and checks it against the problem
(`bench.core.answers`). Time, memory and the fate of every process are measured from outside (`bench.core.worker`).
"""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.core import child, processes, sandbox, store
from bench.core.answers import accept
from bench.core.contract import InvalidAnswer
from bench.core.worker import Assignment, Job, Limits, SupervisorFault, Worker, clear, plain

__all__ = ["Assignment", "Limits", "Outcome", "SupervisorFault", "supervise"]


@dataclass(frozen=True)
class Outcome:
    """What became of one assignment, as the run record says it."""

    assignment: Assignment
    status: str
    reason: str
    log_tail: str
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    passes: dict[str, int] | None
    started: str
    protections: list[str]


def supervise(
    plugin: Path, types: Path, assignments: Sequence[Assignment], limits: Limits, *, parameters: Mapping[str, Any],
    root: Path, readable: Iterable[Path] = (), scratch: Path, threads: int = 1, python: str = sys.executable,
    hidden: Iterable[Path] = (), devices: Iterable[Path] = (), levels: Sequence[str] = sandbox.LEVELS,
) -> Iterator[Outcome]:  # fmt: skip
    """Yield one outcome for each assignment, in order, whatever the method does.

    `readable` are further folders that the method may read, `hidden` folders that it must not (the child tries, and
    the record says whether it could), `devices` device files (GPUs), `levels` the protections to try, strongest first.
    Raises `SupervisorFault` or `processes.StillAlive` on faults of the machine.
    """
    processes.remove_stale_groups()
    scratch.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f"run-{os.getpid()}-", dir=scratch.resolve()))
    place.chmod(0o755)
    resolved = [
        dataclasses.replace(one, problem=one.problem.resolve(), truth=one.truth and one.truth.resolve())
        for one in assignments
    ]
    job = Job(
        plugin=plugin.resolve(), types=types.resolve(), limits=limits, parameters=parameters, root=root.resolve(),
        readable=_resolved(readable), hidden=_resolved(hidden), devices=tuple(devices), threads=threads, python=python,
        place=place, levels=tuple(levels), assignments=tuple(resolved),
    )  # fmt: skip
    try:
        yield from _outcomes(job, list(assignments))
    finally:
        clear(place)


def _resolved(paths: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(Path(path).resolve() for path in paths)


def _outcomes(job: Job, given: Sequence[Assignment]) -> Iterator[Outcome]:
    worker: Worker | None = None
    try:
        for original, assignment in zip(given, job.assignments, strict=True):
            if worker is None:
                worker = Worker.start(job)
            outcome = run_unit(worker, assignment)
            if not worker.usable and worker.failed is None:
                worker.end()
                worker = None
            yield dataclasses.replace(outcome, assignment=original)
    finally:
        if worker is not None:
            worker.end()


def run_unit(worker: Worker, assignment: Assignment) -> Outcome:
    """One unit in a running child, or the failure to load the method, which is that of all its units."""
    started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    clear(assignment.answer)  # one from before would pass for this run's
    ending = worker.failed or worker.solve(assignment)
    status, reason = ending.status, ending.reason
    if status == "done":
        status, reason = accept(worker.job, assignment, worker.answer)
    if status == "unreadable":
        status, reason = "error", _unreadable(worker.job, assignment, reason)
    strays = 0 if worker.failed else worker.tidy()
    if strays and not reason:
        reason = f"{strays} process{'es' * (strays > 1)} outlived the unit and had to be killed"
    return Outcome(
        assignment, status, plain(reason)[: child.LONGEST_REASON], worker.log_tail(), ending.wall_seconds,
        ending.cpu_seconds, ending.peak_memory_bytes, ending.passes, started, worker.protections,
    )  # fmt: skip


def _unreadable(job: Job, assignment: Assignment, reason: str) -> str:
    """The child could not read its problem: if we cannot either, the fault is not the method's."""
    types = child.load_types(job.types)
    try:
        store.read(types.Problem, assignment.problem, assignment.unit.key)
        if assignment.truth is not None:
            store.read(types.Truth, assignment.truth, assignment.unit.key)
    except InvalidAnswer as error:
        raise SupervisorFault(f"{assignment.problem}: {error}; remove the folder and make the problem again") from error
    return f"the child could not read its problem: {reason}"
