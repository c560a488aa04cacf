"""Compiled programs, disguised anew for every seed.

A RASP program is compiled to a transformer by Tracr and dressed: heads and layers moved, decoys added, vocabulary
permuted, residual stream rotated (`bench.models.compiled.dressing`). The problem shows pairs of strings on which the
program's answers differ; the truth is exhaustive patching of every edge on other pairs. Null instances exchange symbols
that the program treats alike: no edge but the embedding's own carries a change, and none that matters does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.compiled.assembly import compile_program
from bench.models.compiled.certificate import INTERVENTIONS, Subject, judge
from bench.models.compiled.dressing import Dressed, Outfit, dress
from bench.models.compiled.interchange import Edge, Wiring
from bench.models.compiled.programs import PROGRAMS, Program, String, swap_alike
from bench.models.graph import Graph
from bench.tracks.circuits.types import Problem, Truth

VERSION = 1
BOARD = "truth"
SEED_CHANGES = "model"
SPLIT = True
REFERENCE = "Lindner et al. 2023, Tracr: compiled transformers as a laboratory for interpretability, NeurIPS"
INSTANCES = {
    "pair_balance": {"size": "small", "null": False, "title": "Running balance of brackets"},
    "rising_fraction": {"size": "small", "null": False, "title": "Share of rises so far"},
    "palindrome": {"size": "small", "null": False, "title": "Share of positions that mirror"},
    "detect_pattern": {"size": "small", "null": False, "title": "End of the pattern aba"},
    "sort_unique": {"size": "small", "null": False, "title": "Sort distinct symbols"},
    "next_larger": {"size": "small", "null": False, "title": "Next larger symbol"},
    "count_rare": {"size": "small", "null": False, "title": "How many symbols are rare"},
    "repeated_fraction": {"size": "small", "null": False, "title": "Share of repeated symbols, few pairs"},
    "follow_addresses": {"size": "small", "null": False, "title": "Follow three addresses, many decoys"},
    "sort": {"size": "small", "null": False, "title": "Sort with repeats, many decoys, few pairs"},
    "sort_frequency": {"size": "small", "null": False, "title": "Sort by frequency, deep"},
    "shuffle_dyck": {"size": "small", "null": False, "title": "Balanced brackets, deep"},
    "shuffle_dyck2": {"size": "small", "null": False, "title": "Two kinds of balanced brackets, deep and wide"},
    "vowel_balance_alike": {"size": "small", "null": True, "title": "Vowels for vowels: nothing changes"},
    "kind_count_alike": {"size": "small", "null": True, "title": "Letters for others of their kind: nothing changes"},
}

GRANULARITY = "qkv"
TRUTH_PAIRS = 8
PLACEBO_PAIRS = 2
BUDGET = 4  # passes per edge and example: every edge can be patched alone four times over
SAMPLE = 100
TRIES, PATIENCE = 20, 200


@dataclass(frozen=True)
class Difficulty:
    """How much a program is disguised and how many pairs of strings show it."""

    outfit: Outfit
    pairs: int


PLAIN = Difficulty(Outfit(heads=1, layers=0, units=4, axes=6), pairs=24)
MIDDLE = Difficulty(Outfit(heads=2, layers=1, units=8, axes=12), pairs=12)
HARD = Difficulty(Outfit(heads=3, layers=1, units=16, axes=24), pairs=6)
DEEP = Difficulty(Outfit(heads=1, layers=0, units=8, axes=12), pairs=12)
WIDE = Difficulty(Outfit(heads=0, layers=0, units=8, axes=12), pairs=8)
DIFFICULTY = {
    "pair_balance": PLAIN, "rising_fraction": PLAIN, "palindrome": PLAIN, "detect_pattern": MIDDLE,
    "sort_unique": PLAIN, "next_larger": MIDDLE, "count_rare": MIDDLE,
    "repeated_fraction": replace(MIDDLE, pairs=4), "follow_addresses": HARD, "sort": HARD,
    "sort_frequency": DEEP, "shuffle_dyck": DEEP, "shuffle_dyck2": WIDE,
    "vowel_balance_alike": MIDDLE, "kind_count_alike": HARD,
}  # fmt: skip

Pairs = tuple[list[String], list[String]]


def generate(instance: str, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
    """A dressed program with pairs of strings, and its live edges under three interventions."""
    program, wiring, difficulty = program_of(instance), wired(instance), DIFFICULTY[instance]
    null = bool(INSTANCES[instance]["null"])
    scored = scored_positions(program)
    hidden = draw_pairs(instance, TRUTH_PAIRS, rng, set())
    shown = draw_pairs(instance, difficulty.pairs, rng, set() if program.repeats else {*hidden[0], *hidden[1]})
    dressed = dress(wiring.compiled, difficulty.outfit, wiring.compiled.encode(hidden[0]), rng)
    truth = make_truth(subject_of(wiring, dressed, hidden, scored), null)
    problem = make_problem(wiring, dressed, shown, scored, rng, workspace)
    return problem, truth


def program_of(instance: str) -> Program:
    return PROGRAMS[instance.removesuffix("_alike")]


@cache
def wired(instance: str) -> Wiring:
    """The compiled program with the place of its variables; made once a process."""
    program = program_of(instance)
    expression = program.build()
    return Wiring(expression, compile_program(expression, program.vocabulary, program.length))


def scored_positions(program: Program) -> Bool[np.ndarray, "pos"]:
    """All but the token before the string."""
    return np.arange(program.length + 1) > 0


def live_edges(wiring: Wiring, pairs: Pairs) -> set[Edge]:
    """Edges whose interchange changes the program's output on some pair."""
    scored = np.arange(len(pairs[0][0]) + 1) > 0
    return {edge for edge, effect in wiring.effects(*pairs, scored).items() if effect > 0}


@cache
def all_live_edges(instance: str) -> frozenset[Edge]:
    """Edges that are live on some pair of strings, by interchange on a large sample that is the same for every seed."""
    rng = generator("circuits/tracr", VERSION, instance, "live edges")
    sample = [draw_pair(instance, rng) for _ in range(SAMPLE)]
    return frozenset(live_edges(wired(instance), ([clean for clean, _ in sample], [other for _, other in sample])))


def draw_pair(instance: str, rng: np.random.Generator) -> tuple[String, String]:
    """Two strings on which the program's answers differ, or for a null two that it treats alike."""
    program, wiring, null = program_of(instance), wired(instance), INSTANCES[instance]["null"]
    while True:
        string = program.string(rng)
        other = swap_alike(program, string, rng) if null else program.string(rng)
        if (wiring.output(string, {}, None) == wiring.output(other, {}, None)) == null:
            return string, other


def draw_pairs(instance: str, count: int, rng: np.random.Generator, taken: set[String]) -> Pairs:
    """Pairs without strings already taken, which together show every live edge of the program.

    What no pair shows could not be asked for. Raises `ValueError` where chance does not yield such pairs.
    """
    for _ in range(TRIES):
        chosen = _one_choice(instance, count, rng, taken)
        if chosen:
            order = rng.permutation(count)
            return [chosen[i][0] for i in order], [chosen[i][1] for i in order]
    raise ValueError(f"tracr/{instance}: no {count} pairs in {TRIES} draws show all live edges; raise the count")


def _one_choice(
    instance: str, count: int, rng: np.random.Generator, taken: set[String]
) -> list[tuple[String, String]] | None:
    """Pairs that each show a live edge not shown before, filled up with others; nothing where that takes too many."""
    missing = set(all_live_edges(instance))
    telling: list[tuple[String, String]] = []
    others: list[tuple[String, String]] = []
    for pair in (draw_pair(instance, rng) for _ in range(PATIENCE)):
        if taken & set(pair):
            continue
        shown = live_edges(wired(instance), ([pair[0]], [pair[1]])) & missing if missing else set()
        missing -= shown
        (telling if shown else others).append(pair)
        if not missing and len(telling) + len(others) >= count:
            return [*telling, *others][:count] if len(telling) <= count else None
    return None


def subject_of(wiring: Wiring, dressed: Dressed, pairs: Pairs, scored: np.ndarray) -> Subject:
    clean, corrupted = (dressed.tokens[wiring.compiled.encode(strings)] for strings in pairs)
    return Subject(dressed.config, dressed.weights, clean, corrupted, scored)


def make_truth(subject: Subject, null: bool) -> Truth:
    """Certified verdicts of exhaustive patching; raises `Uncertified`, or `ValueError` where a null has live edges.

    A node is live where patching all its outgoing edges together changes the scored output; the output is live where
    any edge is.
    """
    placebo = max(subject.first(PLACEBO_PAIRS).placebo(granularity) for granularity in (GRANULARITY, "node"))
    edges = {name: judge(subject, name, placebo, GRANULARITY) for name in INTERVENTIONS}
    nodes = judge(subject, "resample", placebo, "node")
    found = edges["resample"]
    if found.live.any() == null:
        raise ValueError(f"{found.live.sum()} live edges in a unit that is {'null' if null else 'not null'}")
    return Truth(
        null=null, effects=found.effects, live=found.live, live_zero=edges["zero"].live, live_mean=edges["mean"].live,
        dont_care=np.zeros_like(found.live), node_live=np.append(nodes.live, found.live.any()),
        threshold=found.threshold, placebo=placebo, gap=found.gap,
    )  # fmt: skip


def make_problem(
    wiring: Wiring, dressed: Dressed, pairs: Pairs, scored: np.ndarray, rng: np.random.Generator, workspace: Workspace
) -> Problem:
    graph = Graph(dressed.config, GRANULARITY)
    subject = subject_of(wiring, dressed, pairs, scored)
    return Problem(
        model=workspace.blob(lambda path: checkpoint.save(path, dressed.config, dressed.weights)),
        clean=subject.clean, corrupted=subject.corrupted, scored=scored,
        direction=direction_of(wiring, pairs, scored, rng), metric="signed_output", intervention="resample",
        granularity=GRANULARITY, nodes=list(graph.nodes), edges=list(graph.edges),
        budget=BUDGET * len(graph.edges) * len(subject.clean),
    )  # fmt: skip


def direction_of(
    wiring: Wiring, pairs: Pairs, scored: Bool[np.ndarray, "pos"], rng: np.random.Generator
) -> Float[np.ndarray, "examples pos outputs"]:
    """From the corrupted answer to the clean one, as one-hot vectors or a sign; zero where nothing is scored.

    Where the two agree: the clean answer minus another that is drawn, or a drawn sign.
    """
    clean, corrupted = (_answers(wiring, strings) for strings in pairs)
    difference = clean - corrupted
    agree = ~difference.any(axis=2)
    direction = np.sign(difference) if wiring.compiled.numerical else difference
    direction[agree] = _drawn(clean[agree], wiring.compiled.numerical, rng)
    before = np.zeros((len(direction), 1, direction.shape[2]))
    return np.concatenate([before, direction], axis=1) * scored[:, None]


def _answers(wiring: Wiring, strings: list[String]) -> Float[np.ndarray, "examples pos outputs"]:
    return wiring.compiled.targets([wiring.output(string, {}, None) for string in strings])


def _drawn(clean: Float[np.ndarray, "some outputs"], numerical: bool, rng: np.random.Generator) -> np.ndarray:
    if numerical:
        return rng.choice([-1.0, 1.0], size=clean.shape)
    others = _other_class(clean, rng)
    return clean - np.eye(clean.shape[1])[others]


def _other_class(clean: Float[np.ndarray, "some outputs"], rng: np.random.Generator) -> Int[np.ndarray, "some"]:
    """A class other than the clean one for each answer; any where there is no answer."""
    shift = rng.integers(1, clean.shape[1], size=len(clean))
    return (clean.argmax(axis=1) + shift) % clean.shape[1]
