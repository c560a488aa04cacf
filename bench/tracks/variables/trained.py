"""Units of models trained to hold a program's variables in named nodes (`bench.models.siit`).

Which node carries the variable is known from training, which exchanged whole nodes; counterfactuals come from the
program. Training bends weights, it does not set them: each model is certified on strings that belong to it alone. With
the planted subspace exchanged in float64 the output is the counterfactual in 99 of 100 scored cells, and no other
candidate comes near it, whether that subspace, the whole value or what its means by value span is exchanged. The model
is shown disguised: heads in another order, residual stream turned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.models import checkpoint, exhaustive
from bench.models.checkpoint import Config
from bench.models.compiled.dressing import random_rotation
from bench.models.graph import source_names
from bench.models.siit import __file__ as package
from bench.models.siit.programs import PROGRAMS, Program
from bench.tracks.variables.interchange import Subject, says
from bench.tracks.variables.pairs import Pair, draw_pairs
from bench.tracks.variables.subspace import span
from bench.tracks.variables.types import Problem, Truth

RIGHT = 0.99
"""Least share of scored cells that the planted exchange gets right."""
WRONG = 0.9
"""Share of telling cells that no exchange at another candidate reaches; half of it on nulls, of third answers."""
STRINGS = 256  # pairs on which a unit is certified
HELD_OUT = 96
TOLERANCE = 0.01
EPOCHS = 400
"""Passes over all pairs at each candidate site that the budget allows, forward and backward counted apart."""
DOUBLES = 200
PER_HEAD = ("q", "k", "v", "o", "q_bias", "k_bias", "v_bias")

Claim = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Of a claimed variable: its values on base and source strings, and the claimed answers under the exchange."""


class Uncertified(ValueError):
    """A trained model does not bear out what the unit would say of it."""


@dataclass(frozen=True)
class Model:
    """A trained model in disguise; `nodes` says where each node of the original went."""

    config: Config
    weights: Mapping[str, np.ndarray]
    nodes: Mapping[str, str]


def load_disguised(program: str, seed: int, rng: np.random.Generator) -> Model:
    """A trained model of a program with heads permuted in every layer and the residual stream turned at random."""
    config, weights = checkpoint.load_arrays(Path(package).parent / "weights" / program / f"{seed}.safetensors")
    turn = random_rotation(config.d_model, rng)
    turned = checkpoint.along_residual({name: array.astype(np.float64) for name, array in weights.items()}, turn)
    nodes = {name: name for name in source_names(config)}
    for layer in range(config.n_layers):
        order = rng.permutation(config.n_heads)
        turned |= {name: turned[name][order] for name in (f"layers.{layer}.{part}" for part in PER_HEAD)}
        nodes |= {f"a{layer}.h{old}": f"a{layer}.h{new}" for new, old in enumerate(order)}
    return Model(config, turned, nodes)


@dataclass(frozen=True)
class Source:
    """A variable of a trained program, or a claim about one; `stream` asks for residual streams instead of nodes."""

    name: str
    variable: str
    pairs: int
    stream: bool = False
    claim: Claim | None = None
    also: tuple[str, ...] = ()
    """Further nodes of the original in some subspace of which the variable can be exchanged as well: no candidates."""

    @cached_property
    def program(self) -> Program:
        return PROGRAMS[self.name]

    @property
    def node(self) -> str:
        """The node of the original that was trained to carry the variable."""
        return next(variable.node for variable in self.program.variables if variable.name == self.variable)

    def unit(self, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
        model = load_disguised(self.name, seed, rng)
        held, shown = (draw_pairs(self.draw, n, self.claim is not None, rng) for n in (HELD_OUT, self.pairs))
        judge = Judge(self, model, generator("variables certificate", self.name, self.variable, seed))
        sites = self.candidates(judge)
        problem = self.problem(model, sites, shown, workspace)
        if self.claim is not None:
            judge.refute(sites)
            return problem, self.truth(sites, {}, held, problem.width)
        right = judge.right(sites)
        return problem, self.truth(sites, right, held, problem.width)

    def exchange(self, base: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The variable's values on both, and the program's answers on base with the variable as on source."""
        if self.claim is not None:
            return self.claim(base, source)
        own, other = (self.program.values(strings)[self.variable] for strings in (base, source))
        return own, other, self.program.answer(base, {self.variable: other})

    def one_hot(self, answers: Int[np.ndarray, "*some pos"]) -> Float[np.ndarray, "*some pos outputs"]:
        """Answers at scored positions, nothing elsewhere."""
        return np.eye(self.program.classes)[answers] * self.program.scored[:, None]

    def draw(self, rng: np.random.Generator) -> Pair:
        base, source = (self.program.strings(1, rng) for _ in range(2))
        answers = (self.program.answer(base), self.program.answer(source), self.exchange(base, source)[2])
        return Pair(base[0], source[0], *(self.one_hot(answer[0]) for answer in answers))

    @cached_property
    def doubles(self) -> frozenset[str]:
        """Nodes that carry another variable whose exchange comes to the same on every string: no candidates."""
        if self.claim is not None:
            return frozenset()
        rng = np.random.default_rng(0)
        base, source = (self.program.strings(DOUBLES, rng) for _ in range(2))
        label, values = self.exchange(base, source)[2], self.program.values(source)
        others = [other for other in self.program.variables if other.name != self.variable]
        same = (self.program.answer(base, {other.name: values[other.name]}) for other in others)
        scored = self.program.scored
        return frozenset(
            other.node
            for other, answer in zip(others, same, strict=True)
            if np.array_equal(answer[:, scored], label[:, scored])
        )

    def candidates(self, judge: Judge) -> list[str]:
        """Heads and MLPs; or residual streams, but for those behind the node that do not keep the planted subspace."""
        if self.stream:
            kept = judge.streams()
            written = int(self.node[1])
            layers = range(self.program.layers)
            return [f"resid{layer}" for layer in layers if layer < written or layer in kept or layer >= judge.read]
        doubles = {judge.model.nodes[node] for node in (*self.doubles, *self.also)}
        return [name for name in source_names(judge.model.config) if name[0] in "am" and name not in doubles]

    def problem(self, model: Model, sites: list[str], pairs: list[Pair], workspace: Workspace) -> Problem:
        base, source = (np.array([getattr(pair, name) for pair in pairs]) for name in ("base", "source"))
        own, other, _ = self.exchange(base, source)
        known, codes = np.unique(np.stack([own, other]), return_inverse=True)
        codes = codes.reshape(2, *base.shape)
        return Problem(
            model=workspace.blob(lambda path: checkpoint.save(path, model.config, dict(model.weights))),
            base=base, source=source, labels=np.stack([pair.label for pair in pairs]),
            base_values=codes[0], source_values=codes[1], intervened=np.ones(base.shape[1], bool),
            scored=self.program.scored, sites=sites, outputs="class", tolerance=TOLERANCE,
            width=model.config.d_model, dimension=max(1, len(known) - 1), budget=2 * EPOCHS * len(pairs) * len(sites),
        )  # fmt: skip

    def truth(self, sites: list[str], right: Mapping[str, np.ndarray], held: list[Pair], width: int) -> Truth:
        dimension = max((basis.shape[1] for basis in right.values()), default=1)
        bases = np.stack([right.get(site, np.zeros((width, dimension))) for site in sites])
        return Truth(
            null=self.claim is not None, right=np.array([site in right for site in sites]), bases=bases,
            base=np.stack([pair.base for pair in held]), source=np.stack([pair.source for pair in held]),
            labels=np.stack([pair.label for pair in held]),
            base_outputs=np.stack([pair.base_output for pair in held]),
            source_outputs=np.stack([pair.source_output for pair in held]),
        )  # fmt: skip


class Judge:
    """Measures what exchanges do in float64, on strings of the model's own: a verdict on it, not on a unit."""

    def __init__(self, source: Source, model: Model, rng: np.random.Generator) -> None:
        program = source.program
        base, other = (program.strings(STRINGS, rng) for _ in range(2))
        self.source, self.model, self.base = source, model, base
        self.subject = Subject(model.config, model.weights, base, other, np.ones(program.length, bool))
        self.labels = source.one_hot(source.exchange(base, other)[2])
        answers = [source.one_hot(program.answer(strings)) for strings in (base, other)]
        moved = [np.abs(self.labels - answer).max(axis=-1) > 0 for answer in answers]
        differs = np.abs(answers[0] - answers[1]).max(axis=-1) > 0
        self.telling, self.third = moved[0] | differs, moved[0] & moved[1]

    @property
    def node(self) -> str:
        return self.model.nodes[self.source.node]

    @property
    def read(self) -> int:
        """The layer in which the next variable is computed from this one."""
        order = [variable.name for variable in self.source.program.variables]
        following = self.source.program.variables[order.index(self.source.variable) + 1]
        return int(following.node[1])

    @cached_property
    def planted(self) -> Float[np.ndarray, "width dimension"]:
        """At a node all that it can write; in a stream what its means by value of the variable span.

        Training exchanged the node's whole output. In a stream that is too much: other nodes write there too.
        """
        if not self.source.stream:
            layer, _, head = self.node[1:].partition(".h")
            weights = self.model.weights
            written = weights[f"layers.{layer}.o"][int(head)] if head else weights[f"layers.{layer}.mlp_out"]
            return span(written.T)
        return self.means_at(self.node)

    def means_at(self, node: str) -> Float[np.ndarray, "width dimension"]:
        """What the means of a node's output by value of the variable span."""
        written = self.outputs[source_names(self.model.config).index(node)]
        values = self.source.program.values(self.base)[self.source.variable]
        means = np.array([written[values == value].mean(axis=0) for value in np.unique(values)])
        return span((means - means.mean(axis=0)).T)

    @cached_property
    def outputs(self) -> Float[np.ndarray, "nodes strings pos width"]:
        return exhaustive.node_outputs(self.model.config, self.model.weights, self.base)

    def cells(self, site: str, basis: np.ndarray) -> Bool[np.ndarray, "strings pos"]:
        """Where the output is the counterfactual once a subspace of a site is exchanged."""
        return says(self.subject.output(site, basis), self.labels, "class", TOLERANCE)

    def share(self, site: str, basis: np.ndarray) -> float:
        """Of all scored cells."""
        return float(self.cells(site, basis)[:, self.source.program.scored].mean())

    def streams(self) -> set[int]:
        """Layers behind the node and before its reader whose stream keeps the planted subspace exchangeable."""
        layers = range(int(self.source.node[1]), self.read)
        return {layer for layer in layers if self.share(f"resid{layer}", self.planted) >= RIGHT}

    def right(self, sites: list[str]) -> dict[str, Float[np.ndarray, "width dimension"]]:
        """The planted subspace at every right site; raises `Uncertified` where exchanges do not bear it out."""
        right = [f"resid{layer}" for layer in sorted(self.streams())] if self.source.stream else [self.node]
        if not right:
            raise Uncertified(f"{self.source.name}: no stream keeps {self.source.variable} exchangeable")
        for site in right:
            if not (share := self.share(site, self.planted)) >= RIGHT:
                raise Uncertified(f"{self.source.name}: {site} is right in {share:.4f} of the cells, below {RIGHT}")
        for site in set(sites) - set(right):
            self._expect_wrong(site, self.telling, WRONG)
        return {site: self.planted for site in right}

    def refute(self, sites: list[str]) -> None:
        """Raise `Uncertified` where some site gives the claimed answers where they are neither string's own."""
        for site in sites:
            self._expect_wrong(site, self.third, WRONG / 2)

    def _expect_wrong(self, site: str, among: Bool[np.ndarray, "strings pos"], most: float) -> None:
        bases = [np.eye(self.model.config.d_model)] + ([] if self.source.claim else [self.planted])
        if not self.source.claim and not site.startswith("resid"):
            bases.append(self.means_at(site))
        share = max(float(self.cells(site, basis)[among].mean()) for basis in bases)
        if share >= most:
            raise Uncertified(f"{self.source.name}: {site}, which is not meant, is right in {share:.3f} of the cells")


def few(source: Source, pairs: int) -> Source:
    return replace(source, pairs=pairs)
