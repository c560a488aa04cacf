"""Opens the memory of every process that is neither itself nor one of its launchers: the supervisor has read truths."""

import os
from pathlib import Path

import numpy as np

from bench.tracks.doubling.types import Answer, Problem

OWN = (b"bench.core.child", b"bwrap", b"unshare")


def open_memory() -> None:
    """Raise the last refusal unless the memory of a foreign process can be opened."""
    refusal: OSError = FileNotFoundError(2, "No such file: no other process is to be seen")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            if words and not any(own in words for own in OWN):
                os.close(os.open(process / "mem", os.O_RDONLY))
                return
        except ProcessLookupError:
            continue
        except OSError as error:
            refusal = error
    raise refusal


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        open_memory()
    return Answer(2 * problem.signal, [])
