"""The true location."""

from bench.tracks.toy.types import Answer, Problem

ROLE = "ceiling"
READS_TRUTH = True


def solve(problem: Problem, rng, *, truth) -> Answer:
    return Answer(truth.location)
