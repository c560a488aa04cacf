"""Random RASP programs: every seed is another program, and so another circuit.

A program is drawn from a grammar (`bench.models.compiled.programs.drawn`) to a depth, a width and a rarity of what
matters, compiled by Tracr and disguised as in the task `tracr`; the truth is exhaustive patching. Null instances
exchange symbols that the program treats alike, which is read off its tables. In twin instances the model holds the
program twice, whole, so that an answer can be held against itself, or with an edge of the second cut, so that some of
its edges have the weights of live ones and do nothing.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np

from bench.core.problems import Workspace
from bench.models.compiled.certificate import Uncertified
from bench.models.compiled.dressing import Outfit
from bench.models.compiled.programs.drawn import Shape, draw, program_of
from bench.models.graph import Graph
from bench.tracks.circuits.compiled import BUDGET, GRANULARITY, Difficulty, Source, Undrawable
from bench.tracks.circuits.twins import TwinSource
from bench.tracks.circuits.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "truth"
REFERENCE = (
    "Weiss, Goldberg and Yahav 2021, Thinking like transformers, ICML (RASP); Lindner et al. 2023, Tracr, NeurIPS"
)
INSTANCES = {
    "moves": {"size": "small", "null": False, "title": "Values moved by position and compared"},
    "shallow": {"size": "small", "null": False, "title": "Two computations deep"},
    "middle": {"size": "small", "null": False, "title": "Four deep"},
    "deep": {"size": "small", "null": False, "title": "Seven deep"},
    "wide": {"size": "small", "null": False, "title": "Five deep, most operands computed"},
    "rare": {"size": "small", "null": False, "title": "Edges that seldom matter"},
    "numbers": {"size": "small", "null": False, "title": "Sums of shares that nearly cancel"},
    "crowded": {"size": "small", "null": False, "title": "Four deep, many decoys, few pairs"},
    "frugal": {"size": "small", "null": False, "title": "Five deep, one pass for every four edges"},
    "twin": {"size": "small", "null": False, "title": "The same program twice"},
    "twin_cut": {"size": "small", "null": False, "title": "A program beside itself with one edge cut"},
    "alike": {"size": "small", "null": True, "title": "Symbols for others of their kind: nothing changes"},
    "deep_alike": {"size": "small", "null": True, "title": "The same in a deep program"},
}

SHAPES = {
    "moves": Shape(depth=4, branching=0.6, reads=(6, 14), fixed=True),
    "shallow": Shape(depth=2, branching=0.5, reads=(4, 7)),
    "middle": Shape(depth=4, branching=0.5, reads=(7, 12)),
    "deep": Shape(depth=7, branching=0.4, reads=(12, 20)),
    "wide": Shape(depth=5, branching=0.8, reads=(20, 36)),
    "rare": Shape(depth=4, branching=0.6, reads=(8, 16), sparsity=0.7, rarest=(0.04, 0.12)),
    "twin": Shape(depth=3, branching=0.5, reads=(6, 10)),
    "frugal": Shape(depth=5, branching=0.5, reads=(9, 16)),
    "numbers": Shape(depth=5, branching=0.5, reads=(9, 20), numerical=True),
    "alike": Shape(depth=4, branching=0.5, reads=(8, 14), kinds=3, symbols=6),
    "deep_alike": Shape(depth=6, branching=0.4, reads=(12, 20), kinds=3, symbols=6),
}
SHAPES |= {"crowded": SHAPES["middle"], "twin_cut": SHAPES["twin"]}

PLAIN = Difficulty(Outfit(heads=1, layers=0, units=4, axes=6), pairs=16)
MIDDLE = Difficulty(Outfit(heads=1, layers=1, units=8, axes=12), pairs=12)
HARD = Difficulty(Outfit(heads=3, layers=1, units=16, axes=24), pairs=6)
LEAN = Difficulty(Outfit(heads=1, layers=0, units=8, axes=12), pairs=12)
BARE = Difficulty(Outfit(heads=0, layers=0, units=8, axes=12), pairs=12)
DIFFICULTY = {
    "moves": PLAIN, "shallow": PLAIN, "middle": MIDDLE, "deep": LEAN, "wide": BARE, "rare": LEAN, "numbers": LEAN,
    "crowded": HARD, "frugal": LEAN, "twin": BARE, "twin_cut": BARE, "alike": MIDDLE, "deep_alike": MIDDLE,
}  # fmt: skip
BUDGETS = {"frugal": 0.25}
"""Passes per edge and example: where there are fewer than one, no method can patch every edge alone."""
TRIES = 50
FEWEST = 5  # live edges
LARGEST = {"deep_alike": 300, "crowded": 200, "wide": 1000, "twin": 140, "twin_cut": 140}
USUALLY_LARGEST = 500
"""Edges of a program before it is disguised: what a unit costs grows faster than they do."""


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """A drawn program in disguise with pairs of strings, and its live edges under three interventions.

    A program is passed over where so few pairs as are asked for do not show all its live edges, or where weak and dead
    effects cannot be told apart.
    """
    for _ in range(TRIES):
        with suppress(Undrawable, Uncertified):
            problem, truth = source(instance, rng).unit(DIFFICULTY[instance], rng, workspace)
            share = BUDGETS.get(instance, BUDGET)
            return replace(problem, budget=int(share * len(problem.edges) * len(problem.clean))), truth
    raise Undrawable(f"{instance}: none of {TRIES} programs makes a unit; give more pairs")


def source(instance: str, rng: np.random.Generator) -> Source:
    """A drawn program; raises `Undrawable` where it is too large or too little of it is live."""
    shape, null = SHAPES[instance], bool(INSTANCES[instance]["null"])
    program = program_of(draw(shape, rng), shape)
    identity = f"circuits/random_rasp|{VERSION}|{instance}|{rng.integers(2**63)}"
    twin, cut = instance in ("twin", "twin_cut"), instance == "twin_cut"
    found = TwinSource(identity, program, null, cut) if twin else Source(identity, program, null)
    edges = len(Graph(found.wiring.compiled.config, GRANULARITY).edges)
    if edges > LARGEST.get(instance, USUALLY_LARGEST):
        raise Undrawable(f"{identity}: {edges} edges are more than this instance is meant to have")
    if not null and len(found.live_edges_of(found.wiring, found.sample)) < FEWEST:
        raise Undrawable(f"{identity}: fewer than {FEWEST} live edges")
    return found
