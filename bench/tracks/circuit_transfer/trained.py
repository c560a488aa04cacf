"""Units of models that were trained to hold variables in named nodes: one model's roles in another model.

Which node carries a variable was decided before training, and both models are moved about afterwards (first route).
The second route exchanges every node of B on fresh strings: only the node that `plays` names may give the answers that
the causal program gives with that variable exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.core.problems import Workspace
from bench.models.checkpoint import Config, load_arrays
from bench.models.siit import __file__ as package
from bench.models.siit.programs import PROGRAMS, Program, Variable
from bench.tracks.circuit_transfer.exchange import candidates, exchanged, save
from bench.tracks.circuit_transfer.moved import Moved, move
from bench.tracks.circuit_transfer.types import Problem, Truth

MODELS = 3  # trained for each program
PAIRS = 256
BUDGET = 8
RIGHT, WRONG = 0.95, 0.8
"""Share of telling cells in which an exchange gives the program's counterfactual: least of a node that carries the
variable, most of one that does not."""


class Uncertified(ValueError):
    """Exchanges do not single out the nodes that were trained to carry the variables."""


@dataclass(frozen=True)
class Encounter:
    """Programs of models A and B by name, and how many strings show what they do."""

    a: str
    b: str
    inputs: int
    null: bool = False

    def unit(self, seed: int, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
        """Model number `seed` as A; as B the next one of the same program, or the same number of another."""
        number = (seed + (self.a == self.b)) % MODELS
        a, b = (
            move(*load(name, which), self.strings(PAIRS, rng), rng)
            for name, which in ((self.a, seed), (self.b, number))
        )
        strings, pairs = self.strings(self.inputs, rng), (self.strings(PAIRS, rng), self.strings(PAIRS, rng))
        problem = self.problem(a, b, strings, workspace)
        plays = self.plays(b, problem.nodes)
        self.certify(b, problem, plays, pairs)
        if plays.any() == self.null:
            raise ValueError(f"{self.a} in {self.b}: {plays.sum()} roles are played; a null has none, others some")
        return problem, Truth(self.null, plays)

    @property
    def programs(self) -> tuple[Program, Program]:
        return PROGRAMS[self.a], PROGRAMS[self.b]

    @property
    def scored(self) -> Bool[np.ndarray, "pos"]:
        """Positions that both programs count."""
        length = min(program.length for program in self.programs)
        return np.arange(length) >= max(program.first_scored for program in self.programs)

    def strings(self, count: int, rng: np.random.Generator) -> Int[np.ndarray, "count pos"]:
        """Strings that both models can read, uniform over the symbols that they share."""
        one, other = self.programs
        if (one.length, one.draw) != (other.length, other.draw) and not (one.causal and other.causal):
            raise ValueError(f"{self.a} and {self.b} read no strings in common")
        if one is other and one.draw is not None:
            return one.strings(count, rng)
        return rng.integers(min(one.symbols, other.symbols), size=(count, len(self.scored)))

    def problem(self, a: Moved, b: Moved, strings: np.ndarray, workspace: Workspace) -> Problem:
        roles, nodes = [a.nodes[variable.node] for variable in self.programs[0].variables], candidates(b.config)
        model_a, model_b = (save(moved, workspace) for moved in (a, b))
        budget = BUDGET * (len(roles) + len(nodes)) * len(strings)
        return Problem(model_a, model_b, roles, nodes, a.tokens[strings], b.tokens[strings], self.scored, budget)

    def stand_in(self, variable: Variable) -> Variable | None:
        """By name: the variable of B that is the same; the answers of two programs are two variables."""
        if self.a != self.b and variable.name == "answer":
            return None
        return next((other for other in self.programs[1].variables if other.name == variable.name), None)

    def plays(self, b: Moved, nodes: list[str]) -> Bool[np.ndarray, "roles nodes"]:
        """By the plan of training and the moves: the node that carries the role's variable in B."""
        same = [self.stand_in(variable) for variable in self.programs[0].variables]
        return np.array([[one is not None and node == b.nodes[one.node] for node in nodes] for one in same])

    def certify(
        self, b: Moved, problem: Problem, plays: Bool[np.ndarray, "roles nodes"], pairs: tuple[np.ndarray, np.ndarray]
    ) -> None:
        """Raise `Uncertified` unless exchanges of nodes of B give A's variables exactly where `plays` says so.

        Which variable of B has the values of A's is found by computing all of them, not by name.
        """
        one, other = self.programs
        output = exchanged(b.config, b.weights, problem.nodes, b.tokens[pairs[0]], b.tokens[pairs[1]])
        said = output.argmax(axis=-1)[:, :, self.scored]
        for role, variable in enumerate(one.variables):
            values = one.values(pairs[1])[variable.name]
            kind, known = variable.node[0], other.values(pairs[1])
            twins = [v.name for v in other.variables if v.node[0] == kind and np.array_equal(known[v.name], values)]
            shares = self.agreement(said, pairs[0], twins[0], values) if twins else np.zeros(len(problem.nodes))
            alike = np.array([node[0] == kind for node in problem.nodes])
            right, wrong = shares[plays[role]], shares[alike & ~plays[role]]
            if (right < RIGHT).any() or (wrong > WRONG).any() or len(right) != len(twins):
                raise Uncertified(
                    f"{self.a} in {self.b}: {variable.name} is given by shares {right} and {wrong.max():.2f}"
                )

    def agreement(
        self, said: Int[np.ndarray, "nodes pairs scored"], base: np.ndarray, name: str, values: np.ndarray
    ) -> Float[np.ndarray, "nodes"]:
        """Of the cells in which the variable's exchange changes the answer, the share in which each node's gives it."""
        program = self.programs[1]
        expected, before = (program.answer(base, held)[:, self.scored] for held in ({name: values}, None))
        telling = expected != before
        if not telling.any():
            raise Uncertified(f"{self.a} in {self.b}: no pair shows {name}")
        return (said == expected)[:, telling].mean(axis=1)


def load(name: str, number: int) -> tuple[Config, dict[str, np.ndarray]]:
    return load_arrays(Path(package).parent / "weights" / name / f"{number}.safetensors")
