"""Units of compiled programs one rule of which is changed.

The edited program, interpreted on every string, is the truth. Second route: the model itself is edited by hand. What
the rule's MLP is to write is known from both programs' variables and the named axes, and the matrix that writes it from
its units' activations is the solution of a linear system; run in float64, the model edited so must say what the edited
program says, on every string, or no unit is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Int
from tracr.rasp import rasp

from bench.core.problems import Workspace
from bench.models import checkpoint
from bench.models.compiled.assembly import compile_program
from bench.models.compiled.dressing import Dressed, Outfit, dress
from bench.models.compiled.interchange import Wiring
from bench.models.compiled.programs import String
from bench.models.exhaustive import node_outputs
from bench.models.graph import source_names
from bench.tracks.circuit_editing.edit import edited, right_cells, written_by
from bench.tracks.circuit_editing.types import Problem, Truth

TOLERANCE, EXACT = 0.25, 1e-6
"""Outputs of programs are 0 and 1: right is nearer than halfway to the middle. The hand-made edit must do better."""
STEPS = 1000  # times that a method may pass all examples forward and backward


class Uncertified(ValueError):
    """No edit of the rule's MLP makes the model say what the edited program says."""


@dataclass(frozen=True)
class Change:
    """A program built with its old and with its new rule; `rule` is the name of the variable that the rule computes."""

    build: Callable[[Callable], rasp.SOp]
    old: Callable
    new: Callable
    rule: str
    vocabulary: tuple
    length: int

    @cached_property
    def before(self) -> Wiring:
        return self._wiring(self.old)

    @cached_property
    def after(self) -> Wiring:
        return self._wiring(self.new)

    def _wiring(self, rule: Callable) -> Wiring:
        program = self.build(rule)
        return Wiring(program, compile_program(program, self.vocabulary, self.length))

    @cached_property
    def strings(self) -> list[String]:
        return list(product(self.vocabulary, repeat=self.length))

    def said(self, wiring: Wiring) -> Float[np.ndarray, "all pos outputs"]:
        """The interpreted output of every string, in the coordinates of the model; nothing before the string."""
        found = self.before.compiled.targets([wiring.output(string, {}, None) for string in self.strings])
        return np.concatenate([np.zeros((len(found), 1, found.shape[2])), found], axis=1)

    @cached_property
    def outputs(self) -> tuple[Float[np.ndarray, "all pos outputs"], Float[np.ndarray, "all pos outputs"]]:
        """What the program says before and after the change."""
        return self.said(self.before), self.said(self.after)

    def rule_of(self, wiring: Wiring) -> str:
        """The rule's variable under the compiler's name."""
        return next(name for name in wiring.expressions if name.rpartition("_")[0] == self.rule)

    @cached_property
    def written(self) -> Float[np.ndarray, "all pos axes"]:
        """What the rule's MLP is to write beyond what it does, on the compiled model's axes."""
        labels = self.before.compiled.labels
        found = np.zeros((len(self.strings), self.length + 1, len(labels)))
        names = self.rule_of(self.before), self.rule_of(self.after)
        for row, string in enumerate(self.strings):
            old, new = self.before.values(string)[names[0]], self.after.values(string)[names[1]]
            for pos, (one, other) in enumerate(zip(old, new, strict=True), 1):
                if one != other:
                    found[row, pos, labels.index(f"{names[0]}:{one}")] -= 1
                    found[row, pos, labels.index(f"{names[0]}:{other}")] += 1
        return found


@dataclass(frozen=True)
class Editing:
    """A change, how much the model is disguised, and how many examples show it.

    On units with `noise` the wanted outputs are off by up to that share of the tolerance.
    """

    change: Change
    outfit: Outfit
    examples: int
    null: bool = False
    noise: float = 0.0

    def unit(self, rng: np.random.Generator, workspace: Workspace) -> tuple[Problem, Truth]:
        compiled = self.change.before.compiled
        sample = [self.change.strings[i] for i in rng.permutation(len(self.change.strings))[:64]]
        dressed = dress(compiled, self.outfit, compiled.encode(sample), rng)
        truth = self.truth(dressed)
        return self.problem(dressed, truth, rng, workspace), truth

    def truth(self, dressed: Dressed) -> Truth:
        before, after = self.change.outputs
        wanted = before if self.null else after
        inputs = dressed.tokens[self.change.before.compiled.encode(self.change.strings)]
        mlps = mlps_of(dressed)
        place = dressed.nodes[self.change.before.writers[self.change.rule_of(self.change.before)]]
        rule = np.array([mlp == place and not self.null for mlp in mlps])
        changes = np.zeros((len(mlps), dressed.config.d_mlp, dressed.config.d_model))
        if not self.null:
            changes[mlps.index(place)] = self.by_hand(dressed, inputs, place)
        right = right_cells(dressed.config, edited(dressed.weights, mlps, changes), inputs, wanted, EXACT)[:, 1:]
        if not right.all():
            raise Uncertified(f"{place}: edited by hand, {np.mean(~right):.1%} of the cells contradict the program")
        return Truth(self.null, inputs, wanted, (wanted != before).any(axis=2), rule, changes)

    def by_hand(self, dressed: Dressed, inputs: np.ndarray, place: str) -> Float[np.ndarray, "units width"]:
        """The least change of the matrix with which the rule's MLP writes the new variable.

        At the position before the string it must write what it did: heads that select nothing rest there.
        """
        outputs = node_outputs(dressed.config, dressed.weights, inputs)
        stream = outputs[: source_names(dressed.config).index(place)].sum(0)
        active = np.maximum(stream @ dressed.weights[written_by(place).replace("out", "in")], 0.0)
        wanted = self.change.written @ dressed.turn[: self.change.written.shape[2]]
        rows = active.reshape(-1, active.shape[-1])
        return np.linalg.lstsq(rows, wanted.reshape(len(rows), -1), rcond=1e-9)[0]

    def problem(self, dressed: Dressed, truth: Truth, rng: np.random.Generator, workspace: Workspace) -> Problem:
        shown = self.shown(truth.changed, rng)
        mlps = mlps_of(dressed)
        wanted = truth.wanted[shown]
        noise = self.noise * TOLERANCE * rng.uniform(-1, 1, wanted.shape)
        return Problem(
            model=workspace.blob(lambda path: checkpoint.save(path, dressed.config, dressed.weights)),
            mlps=mlps, units=dressed.config.d_mlp, width=dressed.config.d_model, inputs=truth.inputs[shown],
            wanted=wanted + noise, changed=truth.changed[shown], scored=np.arange(truth.inputs.shape[1]) > 0,
            tolerance=TOLERANCE, budget=2 * STEPS * len(shown),
        )  # fmt: skip

    def shown(self, changed: Bool[np.ndarray, "all pos"], rng: np.random.Generator) -> Int[np.ndarray, "shown"]:
        """Examples, half of which show the change where there is one."""
        tells = changed.any(axis=1)
        telling, others = (rng.permutation(np.flatnonzero(some)) for some in (tells, ~tells))
        half = self.examples // 2 if tells.any() else 0
        return rng.permutation(np.concatenate([telling[:half], others[: self.examples - half]]))


def mlps_of(dressed: Dressed) -> list[str]:
    return [f"m{layer}" for layer in range(dressed.config.n_layers)]
