"""Units of compiled programs: pairs of strings, a dressed model, and its live edges under three interventions.

Pairs are drawn until together they show every edge that is live on any of many pairs of the program, so that a method
is never asked for what its pairs do not show. docs/circuits-truth.md tells the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.compiled.assembly import EXACTNESS, compile_program
from bench.models.compiled.certificate import INTERVENTIONS, Subject, judge
from bench.models.compiled.conversion import Compiled
from bench.models.compiled.dressing import Dressed, Outfit, dress
from bench.models.compiled.interchange import Edge, Wiring
from bench.models.compiled.programs import Program, String, unchanged
from bench.models.graph import Graph
from bench.tracks.circuits.types import Problem, Truth

GRANULARITY = "qkv"
TRUTH_PAIRS = 8
PLACEBO_PAIRS = 2
BUDGET = 4  # passes per edge and example: every edge can be patched alone four times over
SAMPLE = 100
TRIES, PATIENCE = 20, 200

Pairs = tuple[list[String], list[String]]


class Undrawable(ValueError):
    """A program of which chance does not yield what a unit needs."""


@dataclass(frozen=True)
class Difficulty:
    """How much a program is disguised and how many pairs of strings show it."""

    outfit: Outfit
    pairs: int


@dataclass(frozen=True)
class Source:
    """A program from which units are made. `identity` seeds what all its units share.

    Of a `null` source the two strings of a pair differ only in symbols that the program treats alike, or where it
    never looks.
    """

    identity: str
    program: Program
    null: bool = False

    def unit(self, difficulty: Difficulty, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
        """A dressed program with pairs of strings, and its live edges on others."""
        dressed, hidden, shown = self.disguise(difficulty, rng)
        truth = make_truth(subject_of(self.wiring.compiled, dressed, hidden, self.scored), self.null)
        return make_problem(self.wiring, dressed, shown, self.scored, rng, workspace), truth

    def disguise(self, difficulty: Difficulty, rng: np.random.Generator) -> tuple[Dressed, Pairs, Pairs]:
        """The dressed model, the truth's pairs and the problem's."""
        hidden, shown = self.draw_both(difficulty, rng)
        compiled = self.wiring.compiled
        return dress(compiled, difficulty.outfit, compiled.encode(hidden[0]), rng), hidden, shown

    def draw_both(self, difficulty: Difficulty, rng: np.random.Generator) -> tuple[Pairs, Pairs]:
        """The truth's pairs and the problem's."""
        hidden = self.draw_pairs(TRUTH_PAIRS, rng, set())
        taken = set() if self.program.repeats else {*hidden[0], *hidden[1]}
        return hidden, self.draw_pairs(difficulty.pairs, rng, taken)

    @cached_property
    def wiring(self) -> Wiring:
        """The compiled program with the place of its variables."""
        program = self.program
        expression = program.build()
        return Wiring(expression, compile_program(expression, program.vocabulary, program.length, apart=program.apart))

    @cached_property
    def scored(self) -> Bool[np.ndarray, "pos"]:
        """All positions but that of the token before the string."""
        return np.arange(self.program.length + 1) > 0

    def live_edges(self, pairs: Pairs) -> set[Edge]:
        """Edges whose interchange changes the program's output on some pair."""
        return self.live_edges_of(self.wiring, pairs)

    def live_edges_of(self, wiring: Wiring, pairs: Pairs) -> set[Edge]:
        return {edge for edge, effect in wiring.effects(*pairs, self.scored).items() if effect > 0}

    @cached_property
    def all_live_edges(self) -> frozenset[Edge]:
        """Edges that are live on some pair of strings, by interchange on a sample that is the same for every seed."""
        return frozenset(self.live_edges(self.sample))

    @cached_property
    def sample(self) -> Pairs:
        rng = generator(self.identity, "live edges")
        pairs = [self.draw_pair(rng) for _ in range(SAMPLE)]
        return [clean for clean, _ in pairs], [other for _, other in pairs]

    def draw_pair(self, rng: np.random.Generator) -> tuple[String, String]:
        """Two strings on which the program's answers differ, or for a null two that it treats alike."""
        while True:
            string = self.program.string(rng)
            other = unchanged(self.program, string, rng) if self.null else self.program.string(rng)
            if (self._output(string) == self._output(other)) == self.null:
                return string, other

    def _output(self, string: String) -> list:
        return self.wiring.output(string, {}, None)

    def draw_pairs(self, count: int, rng: np.random.Generator, taken: set[String]) -> Pairs:
        """Pairs without strings already taken, which together show every live edge of the program.

        What no pair shows could not be asked for. Raises `Undrawable` where chance does not yield such pairs.
        """
        for _ in range(TRIES):
            chosen = self._one_choice(count, rng, taken)
            if chosen:
                order = rng.permutation(count)
                return [chosen[i][0] for i in order], [chosen[i][1] for i in order]
        raise Undrawable(f"{self.identity}: no {count} pairs in {TRIES} draws show all live edges; raise the count")

    def _one_choice(
        self, count: int, rng: np.random.Generator, taken: set[String]
    ) -> list[tuple[String, String]] | None:
        """Pairs that each show a live edge not shown before, filled up with others; nothing where that takes too
        many."""
        missing = set(self.all_live_edges)
        telling: list[tuple[String, String]] = []
        others: list[tuple[String, String]] = []
        for pair in (self.draw_pair(rng) for _ in range(PATIENCE)):
            if taken & set(pair):
                continue
            shown = self.live_edges(([pair[0]], [pair[1]])) & missing if missing else set()
            missing -= shown
            (telling if shown else others).append(pair)
            if not missing and len(telling) + len(others) >= count:
                return [*telling, *others][:count] if len(telling) <= count else None
        return None


def subject_of(compiled: Compiled, dressed: Dressed, pairs: Pairs, scored: np.ndarray) -> Subject:
    clean, corrupted = (dressed.tokens[compiled.encode(strings)] for strings in pairs)
    return Subject(dressed.config, dressed.weights, clean, corrupted, scored)


def make_truth(subject: Subject, null: bool) -> Truth:
    """Certified verdicts of exhaustive patching; raises `Uncertified`, or `ValueError` where a null has live edges.

    A node is live where patching all its outgoing edges together changes the scored output; the output is live where
    any edge is.
    """
    placebo = placebo_of(subject)
    edges = {name: judge(subject, name, placebo, GRANULARITY) for name in INTERVENTIONS}
    nodes = judge(subject, "resample", placebo, "node")
    found = edges["resample"]
    if found.live.any() == null:
        raise ValueError(f"{found.live.sum()} live edges in a unit that is {'null' if null else 'not null'}")
    return Truth(
        null=null, circuits=found.live[None], effects=found.effects, live=found.live, live_zero=edges["zero"].live,
        live_mean=edges["mean"].live, node_live=np.append(nodes.live, found.live.any()),
        threshold=found.threshold, placebo=placebo, gap=float(found.gap),
    )  # fmt: skip


def placebo_of(subject: Subject) -> float:
    """The largest effect of patching an edge or a node with its own value, and at least what rounding must do."""
    placebos = (subject.first(PLACEBO_PAIRS).placebo(granularity) for granularity in (GRANULARITY, "node"))
    return max(*placebos, rounding(subject))


def rounding(subject: Subject) -> float:
    """What the steepest MLP makes of one rounding error of a number as large as the output.

    A least value for the placebo, which can come out at nothing on a few pairs: a donor's value rounds otherwise than
    the source's own.
    """
    return EXACTNESS * float(np.finfo(np.float64).eps) * subject.output_size()


def make_problem(
    wiring: Wiring, dressed: Dressed, pairs: Pairs, scored: np.ndarray, rng: np.random.Generator, workspace: Workspace
) -> Problem:
    graph = Graph(dressed.config, GRANULARITY)
    subject = subject_of(wiring.compiled, dressed, pairs, scored)
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
