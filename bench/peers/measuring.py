"""CPU time and memory of a piece of work, by the same rule in every environment; standard library alone (Linux)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

ROUNDS = 3
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def measured(work: Callable[[], Any], rounds: int = ROUNDS) -> tuple[dict[str, float], Any]:
    """The least CPU time of some rounds, in seconds, the most memory, in MiB, and what came out of the first call.

    The first call warms up and is not timed. `grown_mib` is what the calls took beyond the process as it stood before
    them (model and inputs loaded); `peak_mib` is the whole process.
    """
    before = _resident("VmRSS")
    CLEAR.write_text("5")  # the high-water mark starts again from here
    found, seconds = work(), []
    for _ in range(rounds):
        start = process_time()
        work()
        seconds.append(process_time() - start)
    peak = _resident("VmHWM")
    return {"cpu_seconds": min(seconds), "grown_mib": peak - before, "peak_mib": peak}, found


def _resident(field: str) -> float:
    """A field of /proc/self/status in MiB."""
    (kibibytes,) = re.findall(rf"{field}:\s+(\d+) kB", STATUS.read_text())
    return int(kibibytes) / 1024
