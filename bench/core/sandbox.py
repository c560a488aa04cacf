"""What a method may see and do: the view of the file system, and the ways to confine a child to it.

Three levels, the strongest that works is taken: `bubblewrap`; `namespaces` (the same view built with util-linux's
`unshare` and `mount`); `rlimits` (limits and an own session alone: no view, no closed network). At every level the
child itself drops to an unprivileged user when started as root, gives up its capabilities and sets its limits
before it loads a line of the method (`bench.core.child`), and reports what it then can and cannot do. The record
states what was measured, not what was meant.
"""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

LEVELS = ("bubblewrap", "namespaces", "rlimits")
SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/sys/devices/system", "/etc/alternatives",
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime",
)  # fmt: skip
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
FLAGS = {os.ST_NOSUID: "nosuid", os.ST_NODEV: "nodev", os.ST_NOEXEC: "noexec"} if hasattr(os, "ST_NODEV") else {}


@dataclass(frozen=True)
class View:
    """The file system as the method sees it: nothing but these paths, at their own names, and /proc and /dev.

    `empty` are folders shown without their content, `devices` are device files passed through (GPUs), and
    `shared_memory` is the folder that stands for /dev/shm.
    """

    readable: tuple[Path, ...]
    empty: tuple[Path, ...]
    writable: Path
    shared_memory: Path
    devices: tuple[Path, ...] = ()


@cache
def interpreter_folders(python: str) -> tuple[Path, ...]:
    """The folders that a Python interpreter needs to run: its prefixes and what is on its path."""
    if python == sys.executable:
        prefixes = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    else:
        code = "import sys; print(*dict.fromkeys([sys.prefix, sys.base_prefix, sys.exec_prefix]), sep='\\0')"
        answer = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
        prefixes = answer.stdout.strip("\n").split("\0")
    return tuple(dict.fromkeys(folder for prefix in prefixes for folder in (Path(prefix), Path(prefix).resolve())))


def view(root: Path, python: str, inputs: Iterable[Path], scratch: Path, devices: Iterable[Path] = ()) -> View:
    """The least that a method needs: the system's libraries, its interpreter, `bench` and its inputs.

    Tasks are shown as empty folders, since a generator that can be imported with its public seed is the truth.
    """
    wanted = [Path(path) for path in SYSTEM if os.path.lexists(path)]
    wanted += [*interpreter_folders(python), root / "bench", *inputs]
    tasks = sorted((root / "bench" / "tracks").glob("*/tasks"))
    return View(_outermost(wanted), tuple(tasks), scratch, scratch / "shm", tuple(devices))


def _outermost(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Paths without those that lie inside another, parents first."""
    kept: dict[Path, None] = {}
    for path in sorted(set(paths), key=lambda path: (len(path.parts), path)):
        if not any(parent in kept for parent in path.parents):
            kept[path] = None
    return tuple(kept)


def _ways(paths: Iterable[Path]) -> list[Path]:
    """The folders on the way to `paths`, parents first."""
    ways = {folder for path in paths for folder in path.parents if folder != Path("/")}
    return sorted(ways, key=lambda folder: (len(folder.parts), folder))


# --- the launchers --------------------------------------------------------------------------------------------


def launcher(level: str, shown: View, workplace: Path) -> list[str]:
    """The words before the child's command that confine it at `level`; `workplace` is an empty folder to mount on.

    Raises `LookupError` where the level's programme is not installed.
    """
    return {"bubblewrap": _bubblewrap, "namespaces": _namespaces, "rlimits": lambda *_: []}[level](shown, workplace)


def _programme(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin")
    if found is None:
        raise LookupError(f"{name} is not installed")
    return found


def _bubblewrap(shown: View, workplace: Path) -> list[str]:
    words = [_programme("bwrap"), "--die-with-parent", "--new-session", "--unshare-ipc", "--unshare-pid",
             "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]  # fmt: skip
    if os.geteuid() == 0:  # for the child's step down to an unprivileged user, in which they end
        words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        words += ["--unshare-user"]
    words += ["--proc", "/proc", "--dev", "/dev", "--dir", "/tmp"]
    for folder in _ways((*shown.readable, shown.writable)):
        words += ["--dir", str(folder)]  # bubblewrap closes folders that it makes by itself to other users
    for path in shown.readable:
        words += ["--symlink", os.readlink(path), str(path)] if path.is_symlink() else ["--ro-bind", *[str(path)] * 2]
    for path in shown.empty:
        words += ["--tmpfs", str(path), "--remount-ro", str(path)]
    for path in shown.devices:
        words += ["--dev-bind", *[str(path)] * 2]
    words += ["--bind", *[str(shown.writable)] * 2, "--bind", str(shown.shared_memory), "/dev/shm"]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(shown.writable), "--"]


def _namespaces(shown: View, workplace: Path) -> list[str]:
    """`unshare` with a script that builds the view on `workplace`, makes it the root, and waits as process 1."""
    words = [_programme("setpriv"), "--pdeathsig", "KILL", _programme("unshare")]
    words += ["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"]
    words += [] if os.geteuid() == 0 else ["--map-root-user"]
    commands = [*_mounts(shown, str(workplace), _programme("pivot_root")), '"$@"', "exit $?"]
    script = "\n".join(commands)
    return [*words, "/bin/sh", "-euc", script, "sh"]


def _mounts(shown: View, new: str, pivot_root: str) -> list[str]:
    def put(path: Path | str, options: str, target: str | None = None) -> list[str]:
        source, place = shlex.quote(str(path)), shlex.quote(f"{new}{target or path}")
        make = "mkdir -p" if Path(path).is_dir() else f"mkdir -p $(dirname {place}); touch"
        flags = ",".join([options, *_mount_flags(path)])
        return [f"{make} {place}", f"mount --rbind {source} {place}", f"mount -o remount,bind,{flags} {place}"]

    lines = [f"mount -t tmpfs -o mode=755,size=16m tmpfs {shlex.quote(new)}", f"cd {shlex.quote(new)}"]
    lines += ["mkdir proc dev tmp before", "mount -t proc proc proc"]
    for path in shown.readable:
        link = f"ln -s {shlex.quote(os.readlink(path))} {shlex.quote(new + str(path))}" if path.is_symlink() else ""
        lines += [f"mkdir -p {shlex.quote(new + str(path.parent))}", link] if link else put(path, "ro")
    for path in shown.empty:
        lines += [f"mount -t tmpfs -o ro,size=4k tmpfs {shlex.quote(new + str(path))}"]
    for device in [*(Path("/dev") / name for name in DEVICES), *shown.devices]:
        lines += put(device, "rw")[:2] if device.exists() else []
    lines += put(shown.writable, "rw") + put(shown.shared_memory, "rw", "/dev/shm")
    lines += ["ln -s /proc/self/fd dev/fd", f"{pivot_root} . before", "cd /", "umount -l /before", "rmdir /before"]
    return [*lines, "mount -o remount,bind,ro /", f"cd {shlex.quote(str(shown.writable))}"]


def _mount_flags(path: Path | str) -> list[str]:
    """Flags that a bind mount must keep: without them the kernel refuses an unprivileged remount."""
    present = os.statvfs(path).f_flag
    return [name for flag, name in FLAGS.items() if present & flag]


# --- the user -------------------------------------------------------------------------------------------------

_counter = itertools.count()


def unprivileged_user() -> int | None:
    """A user id that nothing else uses, for one child's limits to bind it alone; None unless we may change users."""
    if os.geteuid() != 0 or not _may_change_users():
        return None
    last = _last_mapped_user()
    number = os.getpid() * 8 + next(_counter) % 8
    if last >= 2**31:
        return 1_500_000_000 + number
    return last - 1000 - number % 4000 if last >= 60_000 else None


def _may_change_users() -> bool:
    """Whether root has the capabilities to set group (6) and user (7), which a container may have taken away."""
    path = Path("/proc/self/status")
    lines = path.read_text().splitlines() if path.exists() else []
    return all(int(line.split()[1], 16) & 0xC0 == 0xC0 for line in lines if line.startswith("CapEff:"))


def _last_mapped_user() -> int:
    path = Path("/proc/self/uid_map")
    if not path.exists():
        return 0
    ranges = [[int(word) for word in line.split()] for line in path.read_text().splitlines()]
    return max((inside + count - 1 for inside, _, count in ranges), default=0)


def closed(paths: Iterable[Path], level: str) -> Path | None:
    """The first file or folder that another user may not read; None where all are open.

    A view shows each path by itself; without one, every folder on the way must be open too.
    """
    wanted = [path for path in paths if path.exists()]
    way = [] if level != "rlimits" else [folder for path in wanted for folder in path.parents]
    for path in dict.fromkeys([*way, *wanted]):
        needed = (0o001 if path in way else 0o005) if path.is_dir() else 0o004
        if path.stat().st_mode & needed != needed:
            return path
    return None


# --- the statement --------------------------------------------------------------------------------------------


def statement(level: str, facts: Mapping[str, Any], reasons: Sequence[str]) -> list[str]:
    """What protects this run, in the record's words: the level, what was measured, what is missing, and why."""
    checks = (
        (facts["interfaces"] == [], "no network", "without a closed network"),
        (not facts["sees_outside"], "truth and results not visible", "without a closed view: truth may be visible"),
        (not facts["writes_outside"], "writes only in its folder", "without a closed view: may write outside"),
        (facts["user"] not in (0, facts["supervisor_user"]), "unprivileged user", "without an own user"),
        (not facts["capabilities"], "no capabilities", "with root's capabilities"),
        (facts["own_processes"], "process namespace", "without an own process namespace"),
        (facts["process_group"], "process-count group", "without a process-count group"),
        (facts["memory_group"], "memory group", "without a memory group"),
        (True, "rlimits", ""),
    )
    measured = [present if good else absent for good, present, absent in checks]
    return list(dict.fromkeys([level, *measured, *reasons]))
