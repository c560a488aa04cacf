"""Mean with a unit added."""

from bench.kernels.location import centre
from bench.tracks.toy.types import Answer, Problem

MUTANT_OF = "mean"
TOUCHES = ("normal/narrow", "normal/wide")
DEFECT = "adds one"


def solve(problem: Problem, rng) -> Answer:
    return Answer(float(centre(problem.sample)) + 1)
