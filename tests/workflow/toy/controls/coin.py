"""A location drawn from nowhere."""

from bench.tracks.toy.types import Answer, Problem

ROLE = "floor"


def solve(problem: Problem, rng) -> Answer:
    return Answer(float(rng.uniform(-5, 5)))
