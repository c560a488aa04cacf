"""What the operating system knows of a method's processes: who they are, what they used, and how to end them.

Linux is read through /proc and, where they may be made, control groups (both layouts); elsewhere through psutil.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
GROUP_PREFIX = "interpbench-"
LINUX = (PROC / "self" / "stat").exists()
TICKS = os.sysconf("SC_CLK_TCK")
MEBIBYTE = 2**20


class StillAlive(RuntimeError):
    """A method's process could not be ended: a fault of the machine, not of the method."""


@dataclass(frozen=True)
class Process:
    """One line of /proc/<pid>/stat: parent, state, user and the CPU seconds of the children that it has reaped."""

    pid: int
    parent: int
    state: str
    own_cpu: float
    reaped_cpu: float


def process(pid: int) -> Process | None:
    """The process, or None where it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(b")")[2].split()  # the command's name may hold spaces and parentheses
    ticks = [int(fields[position]) / TICKS for position in (11, 12, 13, 14)]
    return Process(pid, int(fields[1]), fields[0].decode(), ticks[0] + ticks[1], ticks[2] + ticks[3])


def all_processes() -> list[Process]:
    """Every process of the machine, zombies too."""
    if not LINUX:
        return [_through_psutil(entry) for entry in psutil.process_iter(["ppid", "status", "cpu_times"])]
    found = (process(int(name)) for name in os.listdir(PROC) if name.isdigit())
    return [one for one in found if one is not None]


def _through_psutil(entry: psutil.Process) -> Process:
    times = entry.info["cpu_times"]
    own = times.user + times.system if times else 0.0
    state = "Z" if entry.info["status"] == psutil.STATUS_ZOMBIE else "R"
    return Process(entry.pid, entry.info["ppid"] or 0, state, own, 0.0)


def descendants(roots: Iterable[int], processes: Iterable[Process]) -> set[int]:
    """The pids of `roots` that exist and of everything below them."""
    children: dict[int, list[int]] = {}
    existing = set()
    for one in processes:
        children.setdefault(one.parent, []).append(one.pid)
        existing.add(one.pid)
    found, queue = set(), [pid for pid in roots if pid in existing]
    while queue:
        pid = queue.pop()
        if pid not in found:
            found.add(pid)
            queue += children.get(pid, [])
    return found


def cpu_clock(pid: int) -> float | None:
    """CPU seconds of all threads of a process to the nanosecond, or None where the kernel does not say."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # Linux: the identifier of another process's CPU clock
    except OSError:
        return None


def resident_bytes(pid: int) -> int:
    """Resident memory of one process now."""
    try:
        return int((PROC / str(pid) / "statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        return 0 if LINUX else _psutil_resident(pid)


def _psutil_resident(pid: int) -> int:
    try:
        return psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return 0


def shared_out_bytes(pid: int) -> int:
    """Memory of one process with each shared page divided among those that share it; its resident memory where
    the system does not tell."""
    try:
        text = (PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return resident_bytes(pid)
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def peak_bytes(pid: int) -> int:
    """Largest resident memory of one process since it started or since `reset_peak`; 0 where it is gone."""
    try:
        status = (PROC / str(pid) / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    peaks = [int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")]
    return peaks[0] if peaks else 0


def reset_peak(pid: int) -> bool:
    """Start `peak_bytes` afresh; False where the system does not allow it."""
    try:
        (PROC / str(pid) / "clear_refs").write_text("5")
    except OSError:
        return False
    return True


def tasks_of_user(uid: int) -> int:
    """How many threads a user has now: RLIMIT_NPROC counts all of them."""
    count = 0
    for one in all_processes():
        try:
            if (PROC / str(one.pid)).stat().st_uid == uid:
                count += len(os.listdir(PROC / str(one.pid) / "task"))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it ended meanwhile
    return count


def in_environment(pid: int, marker: bytes) -> bool:
    """Whether a process was started with `marker` in its environment (False where that cannot be read)."""
    try:
        return marker in (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False


# --- control groups -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ControlGroup:
    """Folders of a method's control groups by controller (`pids`, `memory`, `cpuacct`, or `unified`); may be empty."""

    folders: Mapping[str, Path]

    def _file(self, first: str, unified: str, controller: str) -> Path | None:
        if controller in self.folders:
            return self.folders[controller] / first
        path = self.folders["unified"] / unified if "unified" in self.folders else None
        return path if path is not None and path.exists() else None

    @property
    def entrances(self) -> list[Path]:
        """The files to which a process writes 0 in order to enter."""
        return [folder / "cgroup.procs" for folder in dict.fromkeys(self.folders.values())]

    @property
    def limits_processes(self) -> bool:
        return self._file("pids.max", "pids.max", "pids") is not None

    @property
    def limits_memory(self) -> bool:
        return self._file("memory.limit_in_bytes", "memory.max", "memory") is not None

    def set_limits(self, processes: int, memory_bytes: int) -> None:
        for path, value in (
            (self._file("pids.max", "pids.max", "pids"), processes),
            (self._file("memory.limit_in_bytes", "memory.max", "memory"), memory_bytes),
        ):
            if path is not None:
                path.write_text(str(value))

    def members(self) -> set[int]:
        """The pids inside, from whichever group knows them."""
        for entrance in self.entrances:
            return {int(line) for line in entrance.read_text().split() if line != "0"}
        return set()

    def cpu_seconds(self) -> float | None:
        """CPU seconds that all processes of the group have used, dead ones too; None without such a group."""
        if "cpuacct" in self.folders:
            return int((self.folders["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
        if "unified" in self.folders:
            return int((self.folders["unified"] / "cpu.stat").read_text().split()[1]) / 1e6
        return None

    def memory_bytes(self) -> int | None:
        """Anonymous and shared memory of the group now, each page once, without the cache of files; None if unknown."""
        if "memory" in self.folders:
            path, wanted = self.folders["memory"] / "memory.stat", ("total_rss", "total_shmem")
        elif self.limits_memory:
            path, wanted = self.folders["unified"] / "memory.stat", ("anon", "shmem")
        else:
            return None
        counts = dict(line.split() for line in path.read_text().splitlines())
        return sum(int(counts.get(name, 0)) for name in wanted)

    def memory_kills(self) -> int:
        """How many processes the kernel killed in this group for want of memory."""
        path = self._file("memory.oom_control", "memory.events", "memory")
        lines = path.read_text().splitlines() if path is not None else []
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

    def remove(self, patience: float = 2.0) -> None:
        """Remove the empty groups; a process that is just ending may hold one for a moment."""
        deadline = time.monotonic() + patience
        for folder in dict.fromkeys(self.folders.values()):
            while folder.exists():
                try:
                    folder.rmdir()
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.002)


def own_groups(text: str, base: Path = CGROUPS) -> dict[str, Path]:
    """Controller to our own group's folder, from the text of /proc/self/cgroup, for `pids memory cpuacct unified`."""
    found = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for name in controllers.split(",") if controllers else ["unified"]:
            mount = base if name == "unified" and (base / "cgroup.procs").exists() else base / name
            inside = mount / path.lstrip("/")
            # in a container the path may be the host's, and what is mounted is our own group
            found[name] = inside if inside.is_dir() else mount
    wanted = ("pids", "memory", "cpuacct", "unified")
    return {name: found[name] for name in wanted if name in found and found[name].is_dir()}


def make_group(name: str, base: Path = CGROUPS) -> tuple[ControlGroup, str]:
    """New control groups below our own, and why one that would limit something could not be made ('' if none)."""
    if not (PROC / "self" / "cgroup").exists():
        return ControlGroup({}), "this system has no control groups"
    parents = own_groups((PROC / "self" / "cgroup").read_text(), base)
    folders, reason = {}, ""
    for controller, parent in parents.items():
        folder = parent / f"{GROUP_PREFIX}{name}"
        try:
            folder.mkdir()
        except OSError as error:
            reason = f"control group {controller}: {error.strerror}"
            continue
        folders[controller] = folder
    return ControlGroup(folders), reason


def remove_stale_groups(base: Path = CGROUPS) -> None:
    """Remove groups whose supervisor was killed. Their names begin with its pid."""
    for parent in own_groups((PROC / "self" / "cgroup").read_text(), base).values() if LINUX else ():
        for folder in parent.glob(f"{GROUP_PREFIX}*"):
            if not (PROC / folder.name.removeprefix(GROUP_PREFIX).split("-")[0]).exists():
                with contextlib.suppress(OSError):  # another supervisor was faster, or its last process is just ending
                    folder.rmdir()


# --- ending ---------------------------------------------------------------------------------------------------


def kill(pids: Iterable[int]) -> None:
    """Send SIGKILL to each process that still exists."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_user(uid: int) -> None:
    """Kill every process of a user in one system call, which a fork loop cannot outrun."""
    subprocess.run(
        ["/bin/sh", "-c", "kill -9 -1"], user=uid, group=uid, extra_groups=[], check=False, capture_output=True
    )


def await_end(pids: Iterator[set[int]], patience: float = 10.0) -> None:
    """Take sets of survivors until one is empty. Raises `StillAlive` after `patience` seconds."""
    deadline = time.monotonic() + patience
    for alive in pids:
        if not alive:
            return
        if time.monotonic() > deadline:
            raise StillAlive(f"processes {sorted(alive)[:5]} of a method survive SIGKILL; look at the machine")
        time.sleep(0.002)
