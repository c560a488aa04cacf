"""A stage that Snakemake started ends when that Snakemake ends, however it ended.

`kill -9` of Snakemake leaves its shells and what they run behind as orphans, which would go on writing while the next
Snakemake starts. Snakemake therefore names itself in the environment (process and start time, since numbers are used
again), and each stage watches it from its first moment: one that finds it gone ends at once. Run by hand there is
none, and nothing is watched.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

PERIOD = 0.3  # seconds
VARIABLE = "INTERPBENCH_SNAKEMAKE"


def name_workflow() -> str:
    """This process as `pid:start`, put into the environment that its stages inherit."""
    os.environ[VARIABLE] = f"{os.getpid()}:{start_of(os.getpid())}"
    return os.environ[VARIABLE]


def start_of(pid: int) -> str:
    """When a process started: in ticks since boot where the kernel says so, which no change of the clock moves.

    Raises `psutil.NoSuchProcess` where there is none.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return str(psutil.Process(pid).create_time())


def find_workflow(name: str) -> psutil.Process | None:
    """The process that `name_workflow` named, or None where it has ended."""
    pid, start = name.split(":")
    try:
        process = psutil.Process(int(pid))
        alive = start_of(process.pid) == start and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    return process if alive else None


def hang_on_workflow(environment: Mapping[str, str] = os.environ) -> threading.Thread | None:
    """Watch the Snakemake that the environment names, if it names one, from a thread; end at once if it has ended."""
    name = environment.get(VARIABLE)
    if name is None:
        return None
    above = find_workflow(name)
    if above is None:
        os.kill(os.getpid(), signal.SIGKILL)
    thread = threading.Thread(target=_watch, args=(above, os.getppid()), daemon=True)
    thread.start()
    return thread


def _watch(above: psutil.Process, parent: int) -> None:
    while above.is_running() and above.status() != psutil.STATUS_ZOMBIE and os.getppid() == parent:
        time.sleep(PERIOD)
    os.kill(os.getpid(), signal.SIGKILL)
