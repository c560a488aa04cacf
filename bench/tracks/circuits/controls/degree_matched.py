"""Random scores that know the graph's degrees: edges of busy sources and slots first.

An edge's score is exponentially distributed with mean (out-degree of its source) x (in-degree of its destination), and
it is in the circuit with odds in proportion, one half on average: what a guess from the graph alone can reach.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from jaxtyping import Float

from bench.tracks.circuits.types import Answer, Problem

ROLE = "floor"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    weights = degree_products(problem.edges)
    scores = rng.exponential(weights)
    return Answer(scores, rng.random(len(weights)) < 0.5 * weights / weights.mean())


def degree_products(edges: list[str]) -> Float[np.ndarray, "edges"]:
    ends = [edge.split("->") for edge in edges]
    outgoing, incoming = (Counter(pair[side] for pair in ends) for side in (0, 1))
    return np.array([outgoing[source] * incoming[slot] for source, slot in ends], float)
