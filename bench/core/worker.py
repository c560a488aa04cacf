"""A confined child that runs a method: how it is started, spoken to, watched, measured and ended."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import os
import re
import secrets
import selectors
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core import child, processes, sandbox, store
from bench.core.contract import Unit

WALL_FACTOR = 10
GREETING_SECONDS = 60.0  # wall-clock seconds for an interpreter to start and confine itself
SHORTEST_PAUSE, LONGEST_PAUSE, DISK_INTERVAL = 0.005, 0.1, 0.5  # seconds between looks at a running unit
SETTLING_STEPS, SETTLING_PAUSE = 10, 0.0002
PR_SET_CHILD_SUBREAPER = 36
RESERVED_BYTES = 2**30  # address space that stacks, allocator arenas and libraries reserve and never touch
LOG_BYTES = 2**16
TAIL_CHARACTERS = 4000
LINE_BYTES, MOST_CHUNKS = 2**16, 32
LAUNCHER_TASKS = 8  # bubblewrap, its process 1 and shells, which count in the process group
CLAIMS = ("done", "error", "oom", "unsupported", "no_answer", "invalid_answer", "unreadable")
PASS_KINDS = ("forward", "backward")


class SupervisorFault(RuntimeError):
    """No child could be started at any level: a fault of the machine, never a record."""


@dataclass(frozen=True)
class Limits:
    """What a method may use for one unit; wall-clock time is bounded at ten times the CPU seconds.

    `start_seconds` are the CPU seconds for its imports, before the first unit; `processes` counts threads too.
    """

    cpu_seconds: float
    memory_bytes: int
    start_seconds: float = 120.0
    processes: int = 256
    file_bytes: int = 2**30
    open_files: int = 1024
    answer_bytes: int = 2**28

    @property
    def wall_seconds(self) -> float:
        return WALL_FACTOR * self.cpu_seconds


@dataclass(frozen=True)
class Assignment:
    """One unit for a method: where its problem lies and where its answer is to go. `truth` only for the oracle kind."""

    unit: Unit
    problem: Path
    truth: Path | None
    answer: Path


@dataclass(frozen=True)
class Job:
    """Everything that is the same for all units of one `supervise`."""

    plugin: Path
    types: Path
    limits: Limits
    parameters: Mapping[str, Any]
    root: Path
    readable: tuple[Path, ...]
    hidden: tuple[Path, ...]
    devices: tuple[Path, ...]
    threads: int
    python: str
    place: Path
    levels: tuple[str, ...]
    assignments: tuple[Assignment, ...]

    @property
    def inputs(self) -> list[Path]:
        truths = [assignment.truth for assignment in self.assignments if assignment.truth is not None]
        problems = [assignment.problem for assignment in self.assignments]
        return [self.plugin, self.types, *self.readable, *problems, *truths]


# --- words and folders ---------------------------------------------------------------------------------------

UNPRINTABLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def plain(text: str) -> str:
    """Text without control characters and terminal colours, for a record and a page."""
    return UNPRINTABLE.sub("", text)


def end_in_words(returncode: int, confined: bool) -> tuple[str, str]:
    """Status and reason of a child that ended by itself. A launcher passes signal n on as exit status 128 + n."""
    number = -returncode if returncode < 0 else returncode - 128 if confined and returncode > 128 else 0
    if number in set(signal.Signals):
        name = signal.Signals(number).name
        return ("timeout" if name == "SIGXCPU" else "error"), f"the method's process was ended by {name}"
    if returncode == 0:
        return "no_answer", "the method's process ended with exit status 0 and without an answer"
    return "error", f"the method's process ended with exit status {returncode}"


def clear(path: Path) -> None:
    """Remove whatever lies at `path`, never through a link; a tree that Python cannot remove is left to `rm`."""
    if not os.path.lexists(path):
        return
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except (OSError, RecursionError):  # closed or bottomless folders
        subprocess.run(
            ["/bin/sh", "-c", 'chmod -R u+rwX "$1"; rm -rf "$1"', "sh", path], capture_output=True, check=True
        )


def disk_bytes(folder: Path, most_files: int = 20_000) -> float:
    """Bytes that a folder occupies on disk; infinite where it holds more or deeper files than anyone needs."""
    total, files = 0, 0
    try:
        for parent, folders, names in os.walk(folder):
            files += len(names) + len(folders)
            if files > most_files:
                return math.inf
            total += sum(_blocks(os.path.join(parent, name)) for name in names)
    except RecursionError:
        return math.inf
    return total


def _blocks(path: str) -> int:
    try:
        return os.lstat(path).st_blocks * 512
    except OSError:  # removed meanwhile
        return 0


def open_to_others(problem: Path) -> None:
    """Let every user read a problem's files: safetensors writes them for their owner alone, as is right for truths."""
    for path in problem.iterdir():
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o444 != 0o444:
            path.chmod(mode | 0o444)


# --- the child ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ending:
    """How a request ended: the child's claim, or what the supervisor did or saw; with what it cost."""

    status: str
    reason: str
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    passes: dict[str, int] | None = None


def claim(line: bytes, token: str) -> tuple[str, str, dict[str, int] | None]:
    """Status, reason and passes that a child claims. Raises `ValueError` for anything else than one honest line."""
    try:
        said = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(said, dict) or said.get("token") != token or said.get("status") not in CLAIMS:
        raise ValueError(f"not an answer to the request: {line[:80]!r}")
    return said["status"], str(said.get("reason", "")), _counts(said.get("passes"))


def _counts(said: Any) -> dict[str, int] | None:
    """The pass counts that a child states, or None where it counted nothing or states something else."""
    if not isinstance(said, dict) or not said:
        return None
    counts = {kind: said.get(kind, 0) for kind in PASS_KINDS}
    return counts if all(type(count) is int and count >= 0 for count in counts.values()) else None


@dataclass(frozen=True)
class Mark:
    """Where the clocks stood when something was asked of the child."""

    time: float
    cpu_seconds: float
    memory_kills: int


_counter = itertools.count()


class Worker:
    """A running child with its pipes, group, measures and end. Made by `start`, ended once by `end`."""

    def __init__(self, job: Job, level: str):
        self.job, self.level = job, level
        self.place = job.place / "own"
        self.usable, self.ended = True, False
        self.failed: Ending | None = None  # set where the method cannot be loaded: then it is every unit's ending
        self.seen: set[int] = set()
        self.disk_checked = 0.0
        self.protections: list[str] = []
        self.log, self.pending, self.count = bytearray(), bytearray(), 0
        self.marker = secrets.token_hex(16)
        self.user, self.reasons = _own_user(job, level)
        name = f"{os.getpid()}-{next(_counter)}"
        self.group, reason = processes.make_group(name)
        self.reasons += [reason] if reason else []
        try:
            self.group.set_limits(job.limits.processes + LAUNCHER_TASKS, job.limits.memory_bytes)
            self._make_folders()
            self.launched = Mark(time.monotonic(), 0.0, 0)
            self._launch(sandbox.launcher(level, self._view(), job.place / "view"))
        except BaseException:
            self.group.remove()
            raise

    @classmethod
    def start(cls, job: Job) -> Worker:
        """A child at the strongest level that works, with its method loaded or the failure to load noted."""
        reasons: list[str] = []
        for level in job.levels:
            try:
                worker = cls(job, level)
            except LookupError as error:
                reasons.append(f"{level}: {error}")
                continue
            facts = worker.greet()
            if facts is not None:
                worker.protections = sandbox.statement(level, facts, [*reasons, *worker.reasons])
                worker.load()
                return worker
            worker.end()
            reasons.append(f"{level}: {worker.log_tail().strip()[-200:] or 'the child did not start'}")
        raise SupervisorFault(f"{job.plugin}: no child could be started; {'; '.join(reasons)}")

    # -- setting up

    def _view(self) -> sandbox.View:
        job = self.job
        return sandbox.view(job.root, job.python, job.inputs, self.place, job.devices)

    def _make_folders(self) -> None:
        clear(self.place)
        for folder in (self.place, self.place / "tmp", self.place / "shm", self.job.place / "view"):
            folder.mkdir(exist_ok=True)
            if self.user is not None:
                os.chown(folder, self.user, self.user)
        (self.job.place / "canary").write_text("a child that can read this sees the whole file system\n")

    def _launch(self, confinement: list[str]) -> None:
        request_end, self.requests = os.pipe()
        self.answers, answer_end = os.pipe()
        for end in (self.requests, self.answers):
            os.set_blocking(end, False)
        speak = ["-m", "bench.core.child", str(request_end), str(answer_end)]
        command = [*confinement, self.job.python, "-P", "-s", *speak]
        try:
            self.process = subprocess.Popen(
                [*self._enter_groups(), *command], env=self._environment(), cwd=self.place, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=(request_end, answer_end),
                start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(request_end)
            os.close(answer_end)
        assert self.process.stdout is not None
        self.output = self.process.stdout
        os.set_blocking(self.output.fileno(), False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.answers, selectors.EVENT_READ, self._read_answers)
        self.selector.register(self.output, selectors.EVENT_READ, self._read_log)
        self.pidfd = os.pidfd_open(self.process.pid) if hasattr(os, "pidfd_open") else None
        if self.pidfd is not None:
            self.selector.register(self.pidfd, selectors.EVENT_READ, lambda: None)

    def _enter_groups(self) -> list[str]:
        if not self.group.entrances:
            return []
        enter = 'while [ "$1" != -- ]; do echo 0 > "$1"; shift; done; shift; exec "$@"'
        return ["/bin/sh", "-euc", enter, "sh", *map(str, self.group.entrances), "--"]

    def _environment(self) -> dict[str, str]:
        pools = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
        passed = ("CUDA_VISIBLE_DEVICES",) if self.job.devices else ()
        return {
            "PATH": f"{Path(self.job.python).parent}:/usr/local/bin:/usr/bin:/bin", "HOME": str(self.place),
            "TMPDIR": str(self.place / "tmp"), "USER": "method", "LOGNAME": "method", "LANG": "C.UTF-8",
            "PYTHONPATH": str(self.job.root), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1", "INTERPBENCH_CHILD": self.marker,
            **{f"{pool}_NUM_THREADS": str(self.job.threads) for pool in pools},
            **{name: os.environ[name] for name in passed if name in os.environ},
        }  # fmt: skip

    def _rlimits(self) -> dict[str, int]:
        limits = self.job.limits
        others = 0 if self.user is not None else processes.tasks_of_user(os.geteuid())
        cpu = limits.start_seconds + limits.cpu_seconds * len(self.job.assignments)
        return {
            "RLIMIT_CPU": math.ceil(cpu) + 60, "RLIMIT_DATA": limits.memory_bytes + RESERVED_BYTES,
            "RLIMIT_NPROC": limits.processes + others, "RLIMIT_FSIZE": limits.file_bytes,
            "RLIMIT_NOFILE": limits.open_files, "RLIMIT_CORE": 0,
        }  # fmt: skip

    # -- speaking

    def greet(self) -> dict[str, Any] | None:
        """Give the child its order. Returns what it measured about its confinement, or None where it did not start."""
        if sys.platform == "linux" and self.level == "rlimits":
            child.prctl(PR_SET_CHILD_SUBREAPER, 1)  # so that what a method leaves behind comes to us
        self.token = secrets.token_hex(8)
        order = {
            "rlimits": self._rlimits(), "user": self.user, "canary": str(self.job.place / "canary"),
            "hidden": [str(path) for path in self.job.hidden], "process_namespace": child.process_namespace(),
            "types": str(self.job.types), "plugin": str(self.job.plugin), "parameters": dict(self.job.parameters),
            "token": self.token,
        }  # fmt: skip
        line = self._say(order) and self._await_line(time.monotonic() + GREETING_SECONDS)
        if not line:
            return None
        members = self.members()
        self.known = set(members)
        self.pid = self._innermost(members)
        facts = json.loads(line)["facts"]
        groups = {"process_group": self.group.limits_processes, "memory_group": self.group.limits_memory}
        return facts | groups | {"supervisor_user": os.geteuid()}

    def _innermost(self, members: set[int]) -> int:
        """The child itself: the one of a chain of launchers that has no child."""
        parents = {one.parent for one in map(processes.process, members) if one is not None}
        return next(iter(members - parents), self.process.pid)

    def load(self) -> None:
        """Wait for the method's imports."""
        limits = self.job.limits
        ending = self._watch(self.token, limits.start_seconds, limits.start_seconds * WALL_FACTOR, self.launched)
        if ending.status != "done":
            self.failed = dataclasses.replace(ending, reason=f"while loading: {ending.reason}", passes=None)
            self.usable = False
            self.end()

    def solve(self, assignment: Assignment) -> Ending:
        """Send one unit and watch until it is answered or ended."""
        self.count += 1
        self.log.clear()
        self._discard()
        self.unit_place = self.place / f"unit-{self.count}"
        self.answer = self.unit_place / "answer"
        token = secrets.token_hex(8)
        request = {
            "token": token, "key": assignment.unit.key, "method": self.job.plugin.stem,
            "label": f"{assignment.unit.track}/{self.job.plugin.stem}", "problem": str(assignment.problem),
            "truth": assignment.truth and str(assignment.truth),
            "work": str(self.unit_place), "answer": str(self.answer),
        }  # fmt: skip
        processes.reset_peak(self.pid)
        mark = self._mark()
        if not self._say(request):
            self.usable = False
            return Ending("error", "the method's process stopped taking requests")
        return self._watch(token, self.job.limits.cpu_seconds, self.job.limits.wall_seconds, mark)

    def _say(self, message: Mapping[str, Any]) -> bool:
        try:
            line = json.dumps(message).encode() + b"\n"
            return os.write(self.requests, line) == len(line)
        except (BrokenPipeError, BlockingIOError):
            return False

    def _discard(self) -> None:
        """Forget what the child said without being asked."""
        for _ in range(MOST_CHUNKS):
            self._read_answers()
            if not self.pending:
                return
            self.pending.clear()

    def _read_answers(self) -> None:
        self._read(self.answers, self.pending)

    def _read_log(self) -> None:
        self._read(self.output.fileno(), self.log)
        del self.log[:-LOG_BYTES]

    def _read(self, end: int, into: bytearray) -> None:
        try:
            data = os.read(end, LINE_BYTES)
        except BlockingIOError:
            return
        into += data
        if not data and end in self.selector.get_map():
            self.selector.unregister(end)

    def _line(self) -> bytes | None:
        """The first whole line that the child said. Raises `ValueError` for one that is too long."""
        line, newline, rest = self.pending.partition(b"\n")
        if len(line) > LINE_BYTES:
            raise ValueError("a line without end")
        if not newline:
            return None
        self.pending = rest
        return bytes(line)

    def _select(self, seconds: float) -> None:
        for key, _ in self.selector.select(max(seconds, 0)):
            key.data()

    def _await_line(self, deadline: float) -> bytes | None:
        while time.monotonic() < deadline:
            line = self._line()
            if line is not None or self.process.poll() is not None:
                self._read_log()
                return line
            self._select(0.1)
        return None

    # -- watching

    def _mark(self) -> Mark:
        cpu, kills = self.cpu_seconds(), self.group.memory_kills()
        return Mark(time.monotonic(), cpu, kills)

    def _watch(self, token: str, cpu_limit: float, wall_limit: float, mark: Mark) -> Ending:
        """Wait for the answer to `token` while holding the child to its limits, as used since `mark`."""
        used, peak, check_at = 0.0, processes.peak_bytes(self.pid), mark.time + SHORTEST_PAUSE
        verdict: tuple[str, str, dict[str, int] | None] | None = None
        while verdict is None:
            now = time.monotonic()
            if now >= check_at:
                used, peak = max(used, self.cpu_seconds() - mark.cpu_seconds), max(peak, self.memory_bytes())
                verdict = self._killed_for_memory(mark.memory_kills)
                verdict = verdict or self._broken_limit(used, cpu_limit, now - mark.time, wall_limit, peak)
                check_at = now + _pause(cpu_limit - used, wall_limit - (now - mark.time))
            self._select(check_at - now)
            verdict = verdict or self._heard(token) or self._died(mark.memory_kills)
        wall = time.monotonic() - mark.time
        self._settle()
        self._read_log()
        used = max(used, self.cpu_seconds() - mark.cpu_seconds)
        peak = max(peak, processes.peak_bytes(self.pid), self.memory_bytes())
        status, reason, passes = verdict
        return Ending(status, reason, wall, used, peak, passes)

    def _heard(self, token: str) -> tuple[str, str, dict[str, int] | None] | None:
        try:
            line = self._line()
            return None if line is None else claim(line, token)
        except ValueError as error:
            self.usable = False
            return "error", f"the method wrote into the supervisor's pipe: {error}", None

    def _died(self, kills_before: int) -> tuple[str, str, None] | None:
        returncode = self.process.poll()
        if returncode is None:
            return None
        self.usable = False
        return self._killed_for_memory(kills_before) or (*end_in_words(returncode, self.level != "rlimits"), None)

    def _killed_for_memory(self, kills_before: int) -> tuple[str, str, None] | None:
        """Whether the kernel has killed a process of the group, the child or another, at the memory limit."""
        if self.group.memory_kills() == kills_before:
            return None
        self.usable = False
        return "oom", f"killed at the limit of {self.job.limits.memory_bytes} bytes of memory", None

    def _broken_limit(
        self, cpu: float, cpu_limit: float, wall: float, wall_limit: float, memory: int
    ) -> tuple[str, str, None] | None:
        limits = self.job.limits
        verdict = None
        if cpu > cpu_limit:
            verdict = "timeout", f"used {cpu:.2f} CPU seconds, allowed are {cpu_limit:g}"
        elif wall > wall_limit:
            verdict = "timeout", f"took {wall:.1f} seconds of wall-clock time, allowed are {wall_limit:g}"
        elif memory > limits.memory_bytes:
            verdict = "oom", f"used {memory} bytes of memory, allowed are {limits.memory_bytes}"
        elif self._disk_is_due() and disk_bytes(self.place) > limits.file_bytes:
            verdict = "error", f"wrote more than {limits.file_bytes} bytes or too many files in its folder"
        if verdict is None:
            return None
        self.usable = False
        return *verdict, None

    def _disk_is_due(self) -> bool:
        now = time.monotonic()
        due = now > self.disk_checked + DISK_INTERVAL
        if due:
            self.disk_checked = now
        return due

    # -- measuring

    def members(self) -> set[int]:
        """Every process of the method and its launchers, whatever became of their parents."""
        found = self.group.members() if self.group.entrances else self._family()
        self.seen |= found
        return found

    def _family(self) -> set[int]:
        """Our child's descendants, and orphans that came to us, which bear the marker in their environment."""
        everyone, us = processes.all_processes(), os.getpid()
        orphans = {one.pid for one in everyone if one.parent == us and self._is_ours(one.pid)}
        return processes.descendants({self.process.pid} | orphans, everyone)

    def _is_ours(self, pid: int) -> bool:
        return processes.in_environment(pid, self.marker.encode())

    def cpu_seconds(self) -> float:
        """CPU seconds of the whole tree since the child was started."""
        total = self.group.cpu_seconds()
        return self._tree_cpu() if total is None else total

    def _tree_cpu(self) -> float:
        found = [one for one in map(processes.process, self.members()) if one is not None]
        return sum((processes.cpu_clock(one.pid) or one.own_cpu) + one.reaped_cpu for one in found)

    def _settle(self) -> None:
        """Wait a moment until the child rests: the kernel brings a running process's clock up to date at ticks only."""
        for _ in range(SETTLING_STEPS):
            one = processes.process(self.pid) if processes.LINUX else None
            if one is None or one.state != "R":
                return
            time.sleep(SETTLING_PAUSE)

    def memory_bytes(self) -> int:
        """Memory of the whole tree now; pages that forked processes share count once."""
        total = self.group.memory_bytes()
        if total is not None:
            return total
        added = self.members() - self.known
        if not added:
            return processes.resident_bytes(self.pid)
        return sum(map(processes.shared_out_bytes, added | {self.pid}))

    def log_tail(self) -> str:
        """The last of what the method printed, as plain text."""
        return plain(self.log.decode(errors="replace"))[-TAIL_CHARACTERS:]

    # -- ending

    def tidy(self) -> int:
        """After a unit: how many of its processes were left, and an empty scratch folder. Strays end the child."""
        strays = len(self._living(self.members() - self.known)) if self.usable else 0
        if strays or self.process.poll() is not None:
            self.usable = False
        if not self.usable:
            self.end()
        try:
            self._empty_scratch()
        except (OSError, subprocess.CalledProcessError):  # a thread of the method still writes there
            self.usable = False
            self.end()
            self._empty_scratch()
        return strays

    def _empty_scratch(self) -> None:
        for path in self.place.iterdir():
            if path.name not in ("tmp", "shm"):
                clear(path)
            elif path.is_symlink() or not path.is_dir():
                clear(path)
                self.usable = False
            else:
                for inside in path.iterdir():
                    clear(inside)

    def _living(self, pids: Iterable[int]) -> set[int]:
        found = [one for one in map(processes.process, pids) if one is not None]
        return {one.pid for one in found if one.state not in "ZX"}

    def end(self) -> None:
        """Kill everything, wait until it is gone, and give back what it held."""
        if self.ended:
            return
        self.ended = True
        self.process.kill()
        processes.await_end(self._killing())
        self.process.wait()
        self._reap()
        self.selector.close()
        self.output.close()
        for end in (self.requests, self.answers, self.pidfd):
            if end is not None:
                os.close(end)
        self.group.remove()

    def _killing(self) -> Iterator[set[int]]:
        while True:
            if self.user is not None and self.level == "rlimits":
                processes.kill_user(self.user)
            alive = self._living(self.members())
            processes.kill(alive)
            self._reap()
            yield alive

    def _reap(self) -> None:
        """Take the exit status of orphans that came to us."""
        for one in processes.all_processes() if self.level == "rlimits" else ():
            if one.parent == os.getpid() and one.state == "Z" and one.pid != self.process.pid and one.pid in self.seen:
                os.waitpid(one.pid, os.WNOHANG)


def _own_user(job: Job, level: str) -> tuple[int | None, list[str]]:
    """An own user for the child where we are root and every file that it needs is open to others; else the reason."""
    user = sandbox.unprivileged_user()
    if user is None:
        return None, []
    for assignment in job.assignments:
        open_to_others(assignment.problem)
    files = [path / store.ARRAYS for path in job.inputs if path.is_dir()]
    interpreter = sandbox.interpreter_folders(job.python)
    needed = [*interpreter, job.root / "bench" / "core", *job.inputs, *files, job.place]
    closed = sandbox.closed(needed, level)
    return (user, []) if closed is None else (None, [f"no own user: {closed} is closed to other users"])


def _pause(cpu_left: float, wall_left: float) -> float:
    """Seconds until the limits can matter: a tree cannot use CPU time faster than there are cores."""
    soonest = min(cpu_left / (2 * (os.cpu_count() or 1)), wall_left)
    return min(max(soonest, SHORTEST_PAUSE), LONGEST_PAUSE)
