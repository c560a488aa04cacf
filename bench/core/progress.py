"""One line of progress on standard error, at most once a second, so that long work is seen to move."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def reporter(label: str, every: float = 1.0) -> Callable[[int, int], None]:
    """`report(done, total)`: prints `label: done/total` when a second has passed, and at the end."""
    last = -every

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last >= every:
            last = now
            print(f"{label}: {done}/{total}", file=sys.stderr, flush=True)

    return report
