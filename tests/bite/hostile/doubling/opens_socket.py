"""Connects to a service of the machine."""

import socket

import numpy as np

from bench.tracks.doubling.types import Answer, Problem


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    if problem.misbehave:
        socket.create_connection(("127.0.0.1", problem.port), timeout=5).close()
    return Answer(2 * problem.signal, [])
