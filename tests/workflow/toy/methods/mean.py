"""Sample mean."""

from bench.kernels.location import centre
from bench.tracks.toy.types import Answer, Problem

REFERENCE = "arithmetic"
DETERMINISTIC = True


def solve(problem: Problem, rng, *, power: int = 1) -> Answer:
    return Answer(float(centre(problem.sample)))
