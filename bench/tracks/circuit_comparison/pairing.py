"""Units: a reference and candidates that behave alike, disguised, with the truth from programs and from weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from tracr.rasp import rasp

from bench.core.problems import Workspace
from bench.models import exhaustive
from bench.models.compiled.assembly import compile_program
from bench.models.compiled.conversion import BOS, Compiled, variable_of
from bench.models.compiled.dressing import Dressed, Outfit, dress
from bench.models.compiled.interchange import Wiring
from bench.models.graph import Graph
from bench.tracks.circuit_comparison import networks
from bench.tracks.circuit_comparison.algorithms import FAMILIES, Family
from bench.tracks.circuit_comparison.canonical import algorithm, variables
from bench.tracks.circuit_comparison.certificate import Located, Uncertified, same
from bench.tracks.circuit_comparison.symmetries import sheared, shifted
from bench.tracks.circuit_comparison.types import Problem, Truth
from bench.tracks.circuit_comparison.variants import inner, recoded, with_idle

PAIRS = 128  # hidden pairs of strings that certify a unit


@dataclass(frozen=True)
class Spare:
    """The most that a network is larger than the largest of its unit must be."""

    heads: int = 1
    layers: int = 0
    units: int = 8
    axes: int = 8


@dataclass(frozen=True)
class Plan:
    """How units of an instance are drawn: `same` of the candidates implement the reference's algorithm.

    With `recoded` half of the networks have a variable recoded; with `idle` each candidate also computes, for nothing,
    variables of the reference, or if it is the same as the reference, of another algorithm. The budget is `passes` for
    each edge of each network.
    """

    family: str
    same: int = 2
    candidates: int = 5
    shown: int = 32
    recoded: bool = False
    idle: int = 0
    passes: float = 8
    spare: Spare = Spare()

    def unit(self, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
        """A problem and its truth; raises `Uncertified` where programs and weights disagree on it."""
        family = FAMILIES[self.family]
        programs, planned = self.programs(family, rng)
        strings = family.strings()
        codes = [algorithm(program, strings) for program in programs]
        truth = np.array([code == codes[0] for code in codes[1:]])
        models = disguised([Model(program, family) for program in programs], self.spare, rng)
        certify(models, family, truth, rng)
        if not np.array_equal(truth, planned):
            raise Uncertified(f"{self.family}: {truth.sum()} candidates are the same, {planned.sum()} were planned")
        return self.problem(models, family, rng, workspace), Truth(not truth.any(), truth)

    def programs(
        self, family: Family, rng: np.random.Generator
    ) -> tuple[list[rasp.SOp], Bool[np.ndarray, "candidates"]]:
        """The reference and the candidates in random order, and which of them are meant to be the same."""
        reference, *others = rng.permutation(list(family.algorithms))
        repeated = [str(others[place % len(others)]) for place in range(self.candidates - self.same)]
        chosen = [str(reference)] * self.same + repeated
        order = rng.permutation(self.candidates)
        programs = [self.written(str(reference), None, family, rng)]
        for place in order:
            foreign = str(rng.choice(others)) if chosen[place] == reference else str(reference)
            programs.append(self.written(chosen[place], foreign, family, rng))
        return programs, np.array([chosen[place] == reference for place in order])

    def written(self, name: str, foreign: str | None, family: Family, rng: np.random.Generator) -> rasp.SOp:
        """An algorithm as a program in one of its spellings; `foreign` lends the variables that idle."""
        program = family.algorithms[name]()
        if self.recoded and rng.random() < 0.5:
            program = recoded(program, rng.choice(np.array(inner(program), object)))
        if self.idle and foreign:
            program = with_idle(program, self.idlers(program, family.algorithms[foreign](), family))
        return program

    def idlers(self, program: rasp.SOp, foreign: rasp.SOp, family: Family) -> list[rasp.SOp]:
        """The last inner variables of another program that this one lacks and that have a value everywhere."""
        strings = family.strings()
        own = set(variables(program, strings).values())
        others = variables(foreign, strings)
        found = [
            one for one in reversed(inner(foreign))
            if others[id(one)] not in own and all(None not in one(string) for string in strings)
        ]  # fmt: skip
        return found[: self.idle]

    def problem(
        self, models: Sequence[Disguised], family: Family, rng: np.random.Generator, workspace: Workspace
    ) -> Problem:
        shown = rng.integers(len(family.vocabulary), size=(self.shown, family.length))
        edges = sum(len(Graph(model.dressed.config, "qkv").edges) for model in models)
        saved = [(model.dressed.config, model.dressed.weights) for model in models]
        return Problem(
            networks=workspace.blob(lambda path: networks.save(path, saved)),
            alphabet=np.array([[model.token(symbol) for symbol in family.vocabulary] for model in models]),
            start=np.array([model.token(BOS) for model in models]), strings=shown, budget=int(self.passes * edges),
        )  # fmt: skip


@dataclass(frozen=True)
class Model:
    """A compiled program whose outputs are those values alone that some string gives."""

    program: rasp.SOp
    family: Family

    @cached_property
    def compiled(self) -> Compiled:
        made = compile_program(self.program, self.family.vocabulary, self.family.length)
        occurring = {value for string in self.family.strings() for value in self.program(string)}
        outputs = tuple(sorted(occurring))
        columns = [made.outputs.index(value) for value in outputs]
        weights = made.weights | {"unembed": made.weights["unembed"][:, columns]}
        return replace(made, config=replace(made.config, d_out=len(outputs)), weights=weights, outputs=outputs)

    @cached_property
    def wiring(self) -> Wiring:
        return Wiring(self.program, self.compiled)


@dataclass(frozen=True)
class Disguised:
    """A model and its dressed network, whose residual basis is `dressed.turn` (not orthogonal)."""

    model: Model
    dressed: Dressed

    def token(self, symbol: object) -> int:
        return int(self.dressed.tokens[self.model.compiled.tokens[symbol]])

    def encode(self, strings: Sequence[tuple]) -> Int[np.ndarray, "strings pos"]:
        return self.dressed.tokens[self.model.compiled.encode(strings)]

    @cached_property
    def located(self) -> Located:
        """Where all variables but the inputs are; rows of the basis are axes, so coordinates are x B^-1."""
        wiring, basis = self.model.wiring, self.dressed.turn
        dual, labels = np.linalg.inv(basis), self.model.compiled.labels
        found = {}
        for name in [one.label for one in (*inner(self.model.program), self.model.program)]:
            axes = [axis for axis, label in enumerate(labels) if variable_of(label) == name]
            found[name] = self.dressed.nodes[wiring.writers[name]], dual[:, axes] @ basis[axes]
        return Located(self.dressed.config, self.dressed.weights, found)


def disguised(models: Sequence[Model], spare: Spare, rng: np.random.Generator) -> list[Disguised]:
    """Every model in a disguise whose size does not depend on its program."""
    configs = [model.compiled.config for model in models]
    largest = {name: max(getattr(config, name) for config in configs) for name in SIZES}
    return [Disguised(model, _disguise(model.compiled, largest, spare, rng)) for model in models]


SIZES = ("n_heads", "n_layers", "d_mlp", "d_model", "d_head")


def _disguise(compiled: Compiled, largest: dict[str, int], spare: Spare, rng: np.random.Generator) -> Dressed:
    drawn = {"n_heads": spare.heads, "n_layers": spare.layers, "d_mlp": spare.units, "d_model": spare.axes}
    least = {"d_mlp": 2, "d_model": 4}
    add = {
        name: largest[name] - getattr(compiled.config, name) + least.get(name, 0) + int(rng.integers(most + 1))
        for name, most in drawn.items()
    }
    outfit = Outfit(heads=add["n_heads"], layers=add["n_layers"], units=add["d_mlp"], axes=add["d_model"])
    symbols = [symbol for symbol in compiled.tokens if not str(symbol).startswith("compiler")]
    sample = rng.choice(np.array(symbols, object), size=(32, compiled.config.n_ctx - 1)).tolist()
    dressed = dress(_headroom(compiled, largest["d_head"]), outfit, compiled.encode(sample), rng)
    return sheared(shifted(dressed, compiled, rng), rng)


def _headroom(compiled: Compiled, d_head: int) -> Compiled:
    """The same model with heads of a given size."""
    more, weights = d_head - compiled.config.d_head, dict(compiled.weights)
    for name, array in compiled.weights.items():
        kind = name.rsplit(".", 1)[-1]
        axis = {"q": 2, "k": 2, "v": 2, "o": 1, "q_bias": 1, "k_bias": 1, "v_bias": 1}.get(kind)
        if axis is not None:
            weights[name] = np.pad(array, [(0, more if place == axis else 0) for place in range(array.ndim)])
    return replace(compiled, config=replace(compiled.config, d_head=d_head), weights=weights)


def certify(
    models: Sequence[Disguised], family: Family, truth: Bool[np.ndarray, "candidates"], rng: np.random.Generator
) -> None:
    """Raise `Uncertified` unless all networks answer alike and interchange agrees with the programs on who is who."""
    strings = family.strings()
    base, source = (
        [strings[place] for place in rng.integers(len(strings), size=min(PAIRS, len(strings)))] for _ in range(2)
    )
    answers = [outputs(model, strings) for model in models]
    if max(np.abs(answer - answers[0]).max() for answer in answers) > 1e-6:
        raise Uncertified(f"{family.title}: networks answer differently, so that answers tell them apart")
    found = [model.located.signatures(model.encode(base), model.encode(source)) for model in models]
    by_weights = np.array([same(found[0], other) for other in found[1:]])
    if not np.array_equal(by_weights, truth):
        raise Uncertified(f"{family.title}: interchange says {by_weights.tolist()}, programs say {truth.tolist()}")


def outputs(model: Disguised, strings: Sequence[tuple]) -> Float[np.ndarray, "strings length outputs"]:
    """What a network says at all positions but the first."""
    return exhaustive.forward(model.dressed.config, model.dressed.weights, model.encode(strings))[:, 1:]
