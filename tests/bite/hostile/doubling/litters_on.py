"""Leaves a thread that writes files after the answer is given."""

import contextlib
import itertools
import os
import threading
import time

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def litter(folder: str) -> None:
    for number in itertools.count():
        with contextlib.suppress(OSError):
            os.makedirs(f"{folder}/pile/{number}")
        time.sleep(1e-3)


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        threading.Thread(target=litter, args=(os.environ["HOME"],), daemon=True).start()
    return Answer(2 * problem.signal, [])
