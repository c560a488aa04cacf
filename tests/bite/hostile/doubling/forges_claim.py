"""Finds the request's token on the stack and claims that the unit was skipped, which would take it off the table."""

import json
import os
import sys

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def token() -> str:
    frame = sys._getframe()
    while "request" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["request"]["token"]


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        claim = json.dumps({"token": token(), "status": "skipped", "reason": ""}) + "\n"
        for end in range(3, 20):
            try:
                os.write(end, claim.encode())
            except OSError:
                continue
    return Answer(2 * problem.signal, [])
