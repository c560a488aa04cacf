"""A stage that Snakemake started ends when that Snakemake ends, however it ended.

`kill -9` of Snakemake leaves its shells and what they run behind as orphans, which would go on writing while the next
Snakemake starts. Each stage therefore watches the Snakemake above it; run by hand there is none, nothing is watched.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import psutil

PERIOD = 0.3  # seconds


def hang_on_workflow() -> threading.Thread | None:
    """Watch the nearest Snakemake among this process's ancestors, if there is one, from a thread of its own."""
    above = next((process for process in psutil.Process().parents() if is_snakemake(process)), None)
    if above is None:
        return None
    thread = threading.Thread(target=_watch, args=(above, os.getppid()), daemon=True)
    thread.start()
    return thread


def is_snakemake(process: psutil.Process) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False  # gone, or another user's
    return any(Path(word).name == "snakemake" or word.endswith("snakemake/__main__.py") for word in words)


def _watch(above: psutil.Process, parent: int) -> None:
    while above.is_running() and above.status() != psutil.STATUS_ZOMBIE and os.getppid() == parent:
        time.sleep(PERIOD)
    os.kill(os.getpid(), signal.SIGKILL)
