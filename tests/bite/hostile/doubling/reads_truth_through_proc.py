"""Looks for the truth through the root and working folder of every process, and for other processes' open files."""

from pathlib import Path

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def read_through(truth: str) -> str:
    """The truth as any process sees it. Raises the last refusal where none does."""
    refusal: OSError = FileNotFoundError(2, "No such file")
    for process in sorted(Path("/proc").glob("[0-9]*")):
        for way in (f"root{truth}/meta.json", "cwd/truths/meta.json", "cwd/../truths/meta.json"):
            try:
                return (process / way).read_text()
            except OSError as error:
                refusal = error
    raise refusal


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        read_through(problem.elsewhere)
    return Answer(2 * problem.signal, [])
