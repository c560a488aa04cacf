"""Units of compiled programs: two disguises of one program, or of two that share some variables.

A role is what a node hands on: the variables of the program that it writes, if they matter to its output. Which node of
either model writes them is known from Tracr's named residual axes and from where the disguise put it (first route).
Another node is as right where it writes the same in other values and its exchange comes to the same, by the interpreted
program. `certificate` repeats it by running the models (second route), and refuses the unit where the two disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool

from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.models.compiled.assembly import compile_program
from bench.models.compiled.dressing import Dressed, Outfit, dress
from bench.models.compiled.interchange import WIDTH, Wiring
from bench.models.compiled.programs import Program, String
from bench.models.graph import INPUTS
from bench.tracks.circuit_transfer.certificate import Staged, certify
from bench.tracks.circuit_transfer.exchange import candidates, save
from bench.tracks.circuit_transfer.interpretation import (
    Held,
    Outcome,
    Pairs,
    held_output,
    joint_values,
    recoded,
    same_on_all,
)
from bench.tracks.circuit_transfer.types import Problem, Truth

TRUTH_PAIRS, SAMPLE, TRIES, PATIENCE = 64, 200, 50, 5000
BUDGET = 8  # passes per role or node and input
NUMBER = re.compile(r"_\d+$")

Carried = frozenset[str]
"""The variables that a node writes, by name."""


@dataclass(frozen=True)
class Cast:
    """A program as it is compiled, with who carries what."""

    program: Program

    @cached_property
    def wiring(self) -> Wiring:
        expression = self.program.build()
        return Wiring(expression, compile_program(expression, self.program.vocabulary, self.program.length))

    @cached_property
    def carried(self) -> dict[str, Carried]:
        """The variables of every node that writes any; what a head hands to its MLP is the head's."""
        writers = self.wiring.writers | self.wiring.heads
        nodes = sorted({*writers.values()} - {*INPUTS})
        return {node: frozenset(name for name, writer in writers.items() if writer == node) for node in nodes}


@dataclass(frozen=True)
class Casting:
    """Programs of models A and B (the same object for the same program) and how much B is disguised."""

    identity: str
    a: Cast
    b: Cast
    outfit: Outfit
    inputs: int
    null: bool = False

    def unit(self, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
        hidden = self.draw_hidden(rng)
        a, b = (
            dress(cast.wiring.compiled, outfit, cast.wiring.compiled.encode([base for base, _ in hidden]), rng)
            for cast, outfit in ((self.a, PLAIN), (self.b, self.outfit))
        )
        problem = self.problem(a, b, self.draw_inputs(rng), workspace)
        plays = self.plays(b, problem.nodes, hidden)
        roles = [(a.nodes[node], self.a.carried[node]) for node in self.roles]
        staged = Staged(self.a.wiring, a, hidden), Staged(self.b.wiring, b, hidden)
        certify(*staged, roles, problem.nodes, plays)
        if plays.any() == self.null:
            raise ValueError(f"{self.identity}: {plays.any(axis=1).sum()} roles in B; a null has none, others some")
        return problem, Truth(self.null, plays)

    def problem(self, a: Dressed, b: Dressed, strings: list[String], workspace: Workspace) -> Problem:
        roles, nodes = [a.nodes[node] for node in self.roles], candidates(b.config)
        model_a, model_b = (save(dressed, workspace) for dressed in (a, b))
        inputs_a, inputs_b = (
            dressed.tokens[cast.wiring.compiled.encode(strings)] for dressed, cast in ((a, self.a), (b, self.b))
        )
        scored = np.arange(inputs_a.shape[1]) > 0
        budget = BUDGET * (len(roles) + len(nodes)) * len(strings)
        return Problem(model_a, model_b, roles, nodes, inputs_a, inputs_b, scored, budget)

    @cached_property
    def sample(self) -> Pairs:
        """Pairs on which it is decided what may be asked for, the same for every seed."""
        return self.draw_pairs(SAMPLE, generator("circuit_transfer", self.identity))

    @cached_property
    def roles(self) -> list[str]:
        """Nodes of compiled A whose exchange changes its output, and whose variables B has together in a node or not
        at all."""
        known = {self.known(name) for carried in self.b.carried.values() for name in carried}
        whole = {frozenset(map(self.known, carried)) for carried in self.b.carried.values()}
        asked = []
        for node, carried in self.a.carried.items():
            named = frozenset(map(self.known, carried))
            if (named in whole or not named & known) and matters(self.a, carried, self.sample):
                asked.append(node)
        return asked

    def known(self, name: str) -> str:
        """The name by which a variable is known in both programs; the compiler numbers the variables of each."""
        if self.a is self.b:
            return name
        return NUMBER.sub("", name.removesuffix(WIDTH)) + (WIDTH if name.endswith(WIDTH) else "")

    def plays(self, b: Dressed, nodes: Sequence[str], pairs: Pairs) -> Bool[np.ndarray, "roles nodes"]:
        """By names and places: the node of B with the role's variables, and those that are its images."""
        rows = []
        for role in self.roles:
            named = frozenset(map(self.known, self.a.carried[role]))
            own = [n for n, carried in self.b.carried.items() if frozenset(map(self.known, carried)) == named]
            own = [node for node in own if node in self.used]
            right = {b.nodes[n] for n in own + self.images(own, pairs) if n[0] == role[0]}
            rows.append([node in right for node in nodes])
        return np.array(rows)

    def images(self, own: list[str], pairs: Pairs) -> list[str]:
        """Nodes of compiled B that write what a node does in other values, and whose exchange comes to the same."""
        if not own:
            return []
        carried, values = self.b.carried, [self.b.wiring.values(string) for pair in pairs for string in pair]
        mine = joint_values(values, carried[own[0]])
        alike = [node for node in carried if recoded(joint_values(values, carried[node]), mine)]
        outcome = outcomes(self.b, carried[own[0]], pairs)
        return [node for node in alike if same_on_all(outcomes(self.b, carried[node], pairs), outcome)]

    @cached_property
    def used(self) -> list[str]:
        """Nodes of compiled B whose exchange changes its output."""
        return [node for node, carried in self.b.carried.items() if matters(self.b, carried, self.sample)]

    def draw_hidden(self, rng: np.random.Generator) -> Pairs:
        """Pairs for the truth, of which the first show every role of A and every node of B that is used."""
        shown = [(self.a, node) for node in self.roles] + [(self.b, node) for node in self.used if self.b is not self.a]
        telling = [self.draw_telling(cast, cast.carried[node], rng) for cast, node in shown]
        return telling + self.draw_pairs(TRUTH_PAIRS - len(telling), rng)

    def draw_telling(self, cast: Cast, carried: Carried, rng: np.random.Generator) -> tuple[String, String]:
        """A pair on which the variables' exchange changes the output. Raises `ValueError` where none comes up."""
        drawn = (self.draw_pairs(1, rng) for _ in range(PATIENCE))
        pair = next((pair for pair in drawn if matters(cast, carried, pair)), None)
        if pair is None:
            raise ValueError(f"{self.identity}: none of {PATIENCE} pairs shows {sorted(carried)}; do not ask for it")
        return pair[0]

    def draw_pairs(self, count: int, rng: np.random.Generator) -> Pairs:
        return [(self.a.program.string(rng), self.a.program.string(rng)) for _ in range(count)]

    def draw_inputs(self, rng: np.random.Generator) -> list[String]:
        """Strings that show every role: exchanged with the next string's, its variables change some output of A.

        Raises `ValueError` where chance does not yield such strings.
        """
        for _ in range(TRIES):
            strings = [self.a.program.string(rng) for _ in range(self.inputs)]
            pairs = list(zip(strings, strings[1:] + strings[:1], strict=True))
            if all(matters(self.a, self.a.carried[node], pairs) for node in self.roles):
                return strings
        raise ValueError(f"{self.identity}: no {self.inputs} strings in {TRIES} draws show every role; raise the count")


def matters(cast: Cast, carried: Carried, pairs: Pairs) -> bool:
    """Whether exchanging the variables of a node changes the program's output on some pair."""
    return any(
        not same_on_all([held_output(cast.wiring, pair[0], {})], outcomes(cast, carried, [pair])) for pair in pairs
    )


def outcomes(cast: Cast, carried: Carried, pairs: Pairs) -> list[Outcome]:
    """The interpreted output of each pair with the variables held at their values on the second string."""
    return [held_output(cast.wiring, base, _held(cast.wiring, carried, source)) for base, source in pairs]


def _held(wiring: Wiring, carried: Iterable[str], source: String) -> Held:
    values = wiring.values(source)
    return {name: values[name] for name in carried}


PLAIN = Outfit(heads=1, layers=0, units=4, axes=6)
