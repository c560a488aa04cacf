"""Units of compiled programs: a variable of a RASP program, its place in a dressed model, and counterfactuals.

The counterfactual comes from interpreting the program with the variable held at its value on the source string; the
place comes from Tracr's named residual axes and the rotation that the dressing applied. Exchanging the planted
subspace in the model must then give the interpreter's counterfactual in every cell (`certify`), or no unit is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from tracr.rasp import rasp

from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.compiled.assembly import compile_program
from bench.models.compiled.conversion import Mixture
from bench.models.compiled.dressing import Dressed, Outfit, dress, place_of
from bench.models.compiled.interchange import Values, Wiring
from bench.models.compiled.programs import Program, String
from bench.models.graph import node_of, source_names
from bench.tracks.variables.interchange import Subject, says
from bench.tracks.variables.pairs import Pair, draw_pairs
from bench.tracks.variables.subspace import span
from bench.tracks.variables.types import Problem, Truth

HELD_OUT = 64
TOLERANCE = 0.01
"""By how much the right output must lead; those of compiled programs are 0 and 1."""
DOUBLES = 200
"""Pairs of strings drawn to see whether another variable does the same."""
EPOCHS = 400
"""Passes over all pairs at each candidate site that the budget allows, forward and backward counted apart."""

Hypothesis = Callable[[String, String], tuple[Values, Values, Values]]
"""Of a claimed variable: its values on both strings, and the claimed counterfactual output."""


@dataclass(frozen=True)
class Difficulty:
    outfit: Outfit
    pairs: int


@dataclass(frozen=True)
class Source:
    """A variable of a program, found by the name it was given, or a claim that no variable of the program bears out.

    `sites` is "nodes" or "stream", or names nodes by the variables that they write.
    """

    program: Program
    variable: str
    sites: str | tuple[str, ...] = "nodes"
    claim: Hypothesis | None = None

    @cached_property
    def wiring(self) -> Wiring:
        expression = self.program.build()
        return Wiring(expression, compile_program(expression, self.program.vocabulary, self.program.length))

    def full_name(self, variable: str) -> str:
        """The name with the number that the compiler gave it."""
        found = [name for name in self.wiring.expressions if name.rpartition("_")[0] == variable]
        if len(found) != 1:
            raise ValueError(f"variable {variable}: {len(found)} of that name in {self.program.title}; give one")
        return found[0]

    def unit(self, difficulty: Difficulty, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
        held, shown = (draw_pairs(self.draw, n, bool(self.claim), rng) for n in (HELD_OUT, difficulty.pairs))
        compiled = self.wiring.compiled
        dressed = dress(compiled, difficulty.outfit, compiled.encode([pair.base for pair in held]), rng)
        problem = self.problem(dressed, shown, workspace)
        truth = self.truth(problem, dressed, held, shown)
        certify(problem, truth, dressed)
        return problem, truth

    def draw(self, rng: np.random.Generator) -> Pair | None:
        """Two strings; nothing where the program or the counterfactual has no definite answer at some position."""
        base, source = self.program.string(rng), self.program.string(rng)
        try:
            outputs = [self.wiring.values(string)[self.wiring.program.label] for string in (base, source)]
            outputs.append(self.counterfactual(base, source))
        except NotImplementedError:  # the interpreter's word for a variable that is several values at once
            return None
        if any(value is None or isinstance(value, Mixture) for row in outputs for value in row):
            return None
        return Pair(base, source, *self.targets(outputs))

    def counterfactual(self, base: String, source: String) -> Values:
        if self.claim:
            return self.claim(base, source)[2]
        return self.wiring.counterfactual(base, self.wiring.values(source), self.full_name(self.variable))

    def values(self, base: String, source: String) -> tuple[Values, Values]:
        """The variable on both strings."""
        if self.claim:
            return self.claim(base, source)[:2]
        one, other = (self.wiring.values(string)[self.full_name(self.variable)] for string in (base, source))
        return one, other

    def targets(self, outputs: Sequence[Values]) -> Float[np.ndarray, "rows pos outputs"]:
        """Outputs as the model gives them, with nothing at the position before the string."""
        found = self.wiring.compiled.targets(outputs)
        return np.concatenate([np.zeros((len(found), 1, found.shape[2])), found], axis=1)

    def problem(self, dressed: Dressed, pairs: list[Pair], workspace: Workspace) -> Problem:
        compiled = self.wiring.compiled
        base, source = (dressed.tokens[compiled.encode(strings)] for strings in strings_of(pairs))
        rows = [self.values(pair.base, pair.source) for pair in pairs]
        codes, changes = codes_of(rows), changes_of(rows)
        within = np.arange(self.program.length + 1) > 0
        sites = self.candidates(dressed)
        labels = np.stack([pair.label for pair in pairs])
        numerical = not self.claim and rasp.is_numerical(self.wiring.expressions[self.full_name(self.variable)])
        return Problem(
            model=workspace.blob(lambda path: checkpoint.save(path, dressed.config, dressed.weights)),
            base=base, source=source, labels=labels, base_values=codes[0], source_values=codes[1],
            intervened=within, scored=within, sites=sites, outputs="number" if compiled.numerical else "class",
            tolerance=TOLERANCE, width=dressed.config.d_model, dimension=1 if numerical else independent(changes),
            budget=2 * EPOCHS * len(pairs) * len(sites),
        )  # fmt: skip

    def candidates(self, dressed: Dressed) -> list[str]:
        if self.sites == "stream":
            return [f"resid{layer}" for layer in range(dressed.config.n_layers)]
        if self.sites == "nodes":
            left_out = {"embed", "pos", *(dressed.nodes[node] for node in self.doubles)}
            return [node for node in source_names(dressed.config) if node not in left_out]
        return sorted(dressed.nodes[self.wiring.writers[self.full_name(name)]] for name in self.sites)

    @cached_property
    def doubles(self) -> frozenset[str]:
        """Nodes of the compiled model that write another variable whose exchange comes to the same on every pair.

        Such as the one reader of the variable that reads nothing else. Both would be right: one is no candidate.
        """
        rng = np.random.default_rng(0)
        drawn = (self.draw(rng) for _ in range(DOUBLES))
        pairs = [pair for pair in drawn if pair is not None and pair.kind]
        writers = self.wiring.writers | self.wiring.heads  # what a head hands to its MLP is the head's
        own = writers[self.full_name(self.variable)]
        same = {writers[name] for name in writers if all(self._comes_to_the_same(name, pair) for pair in pairs)}
        return frozenset(same - {own})

    def _comes_to_the_same(self, name: str, pair: Pair) -> bool:
        donor = self.wiring.values(pair.source)
        if name not in donor:
            return False
        try:
            output = self.wiring.counterfactual(pair.base, donor, name)
        except NotImplementedError:
            return False
        return bool(np.array_equal(self.targets([output])[0], pair.label))

    def truth(self, problem: Problem, dressed: Dressed, held: list[Pair], shown: list[Pair]) -> Truth:
        right = np.zeros(len(problem.sites), bool) if self.claim else self.right(problem.sites, dressed)
        basis = np.zeros((problem.width, 1)) if self.claim else self.basis(dressed, [*held, *shown])
        base, source = (dressed.tokens[self.wiring.compiled.encode(strings)] for strings in strings_of(held))
        return Truth(
            null=self.claim is not None, right=right, bases=np.where(right[:, None, None], basis, 0.0),
            base=base, source=source, labels=np.stack([pair.label for pair in held]),
            base_outputs=np.stack([pair.base_output for pair in held]),
            source_outputs=np.stack([pair.source_output for pair in held]),
        )  # fmt: skip

    def right(self, sites: list[str], dressed: Dressed) -> Bool[np.ndarray, "sites"]:
        """The node that writes the variable, and the residual streams after it and before its first reader."""
        name = self.full_name(self.variable)
        writer = dressed.nodes[self.wiring.writers[name]]
        readers = [dressed.slot(read.slot) for read in self.wiring.reads if read.variable == name]
        layers = dressed.config.n_layers
        first = min(layer_of(node_of(slot), layers) for slot in readers)
        between = {f"resid{layer}" for layer in range(layer_of(writer, layers), first)}
        return np.array([site == writer or site in between for site in sites])

    def basis(self, dressed: Dressed, pairs: list[Pair]) -> Float[np.ndarray, "width planted"]:
        """What the changes of the variable's vector span, from base to source at one position, over all pairs.

        Two values that never stand at one position are never exchanged: their difference is no part of the subspace.
        """
        name, labels = self.full_name(self.variable), self.wiring.compiled.labels
        if rasp.is_numerical(self.wiring.expressions[name]):
            return span(dressed.turn[[labels.index(name)]].T)
        changes = changes_of([self.values(pair.base, pair.source) for pair in pairs])
        vectors = [self._vector(dressed, name, other) - self._vector(dressed, name, one) for one, other in changes]
        return span(np.array(vectors).T)

    def _vector(self, dressed: Dressed, name: str, value: Any) -> Float[np.ndarray, "width"]:
        """Where a value of the variable points; a variable without value writes nothing."""
        if value is None:
            return np.zeros(dressed.config.d_model)
        return dressed.turn[self.wiring.compiled.labels.index(f"{name}:{value}")]


def codes_of(rows: list[tuple[Values, Values]]) -> tuple[Int[np.ndarray, "pairs pos"], Int[np.ndarray, "pairs pos"]]:
    """Values on base and source as numbers from 0 in sorted order, -1 for none and before the string."""
    known = sorted({value for row in rows for values in row for value in values if value is not None})
    numbers = {value: code for code, value in enumerate(known)} | {None: -1}
    coded = np.array([[[-1, *(numbers[value] for value in values)] for values in row] for row in rows])
    return coded[:, 0], coded[:, 1]


def changes_of(rows: list[tuple[Values, Values]]) -> list[tuple[Any, Any]]:
    """The pairs of different values that stand at one position of a base and its source."""
    pairs = {values for row in rows for values in zip(*row, strict=True) if values[0] != values[1]}
    return sorted(pairs, key=repr)


def independent(changes: list[tuple[Any, Any]]) -> int:
    """How many dimensions the changes span where every value has a direction of its own."""
    values = sorted({value for change in changes for value in change}, key=repr)
    one_hot = dict(zip(values, np.eye(len(values)), strict=True))
    return int(np.linalg.matrix_rank(np.array([one_hot[other] - one_hot[one] for one, other in changes])))


def strings_of(pairs: list[Pair]) -> tuple[list[String], list[String]]:
    return [pair.base for pair in pairs], [pair.source for pair in pairs]


def layer_of(node: str, layers: int) -> int:
    """The layer of a node; the output comes after all."""
    return layers if node == "output" else place_of(node)[0]


def certify(problem: Problem, truth: Truth, dressed: Dressed) -> None:
    """Raise `ValueError` unless exchanging the planted subspace gives the counterfactual, for all pairs and sites.

    Not only the cells that count must be right but all: every other answer of the program stands as it was.
    """
    for site in np.flatnonzero(truth.right):
        for base, source, labels in (
            (truth.base, truth.source, truth.labels),
            (problem.base, problem.source, problem.labels),
        ):
            subject = Subject(dressed.config, dressed.weights, base, source, problem.intervened)
            output = subject.output(problem.sites[site], truth.bases[site])
            right = says(output, labels, problem.outputs, problem.tolerance)[:, problem.scored]
            if not right.all():
                raise ValueError(f"{problem.sites[site]}: {np.mean(~right):.1%} of the cells contradict the program")
    if truth.right.any() == truth.null:
        raise ValueError(f"{truth.right.sum()} right sites on a unit that is {'null' if truth.null else 'not null'}")


def claimed_sum(modulus: int) -> Hypothesis:
    """That the sum chain adds its first two symbols first: do(first + second) changes the total by the difference."""

    def claim(base: String, source: String) -> tuple[Values, Values, Values]:
        (first, second, third), (other_first, other_second, _) = (map(int, string) for string in (base, source))
        one, other = (first + second) % modulus, (other_first + other_second) % modulus
        total = (other + third) % modulus
        return [one] * len(base), [other] * len(base), [total] * len(base)

    return claim
