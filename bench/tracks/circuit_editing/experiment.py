"""What methods do with a problem: run the model with changed matrices, and fit the change by gradient, in the budget.

The forward pass is that of `bench.models.transformer` with a change of each MLP's output matrix through which gradients
flow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bench.core.contract import Budget
from bench.models.transformer import ACTIVATIONS, Transformer
from bench.tracks.circuit_editing.types import Problem

NEAR = 0.1
"""Fitting ends where no cell is further off than this share of the tolerance."""

ChangeOf = Callable[[int, Tensor], Tensor]
"""From an MLP and examples to changes of the matrices, [mlps, units, width]."""


class Experiment:
    """A problem's model and examples, and the budget. Raises `Unsupported` where that does not hold."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.budget = problem, Budget(problem.budget)
        self.model = Transformer.load(problem.model.path, torch.float64)
        self.tokens, self.wanted = torch.as_tensor(problem.inputs), torch.as_tensor(problem.wanted)
        self.scored = torch.as_tensor(problem.scored)

    def nothing(self) -> Float[Tensor, "mlps units width"]:
        return torch.zeros(len(self.problem.mlps), self.problem.units, self.problem.width, dtype=torch.float64)

    def run(
        self, changes: Tensor, examples: Tensor, added: tuple[int, Tensor] | None = None
    ) -> tuple[Float[Tensor, "examples pos outputs"], list[Float[Tensor, "examples pos units"]]]:
        """Outputs with changed matrices, and what units are active; `added` is added to what one MLP writes."""
        self.budget.spend(len(examples), "forward")
        model, w = self.model, self.model.weights
        stream, active = torch.stack(model.embed(self.tokens[examples])).sum(0), []
        for layer in range(model.config.n_layers):
            q, k, v = model.project(stream[:, None, None], layer).unbind(2)
            heads = torch.einsum("khbpe,hed->kbpd", model.mix(q, k, v), model.attention[layer].o)
            stream = stream + heads + w[f"layers.{layer}.o_bias"]
            linear = model.norm(stream, f"layers.{layer}.norm2") @ w[f"layers.{layer}.mlp_in"]
            units = ACTIVATIONS[model.config.activation](linear + w[f"layers.{layer}.mlp_in_bias"])
            stream = (
                stream + units @ (w[f"layers.{layer}.mlp_out"] + changes[layer]) + w[f"layers.{layer}.mlp_out_bias"]
            )
            if added is not None and added[0] == layer:
                stream = stream + added[1]
            active.append(units[0])
        return model.unembed(stream)[0], active

    def off(self, outputs: Tensor, examples: Tensor, cells: Bool[Tensor, "examples pos"] | None = None) -> Tensor:
        """Differences to the wanted outputs at scored positions, or in some cells alone."""
        counted = self.scored.expand(len(examples), -1) if cells is None else cells & self.scored
        return (outputs - self.wanted[examples])[counted]

    def error(self, changes: Tensor, examples: Tensor) -> float:
        """Mean squared error with changed matrices."""
        with torch.no_grad():
            return float(self.off(self.run(changes, examples)[0], examples).square().sum(-1).mean())

    def everything(self) -> Tensor:
        return torch.arange(len(self.tokens))

    def halves(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """The examples in two halves, each with half of those that show the change."""
        shows = self.problem.changed.any(axis=1)
        order = np.concatenate([rng.permutation(np.flatnonzero(some)) for some in (shows, ~shows)])
        return torch.as_tensor(order[::2]), torch.as_tensor(order[1::2])

    def fit(
        self, mlps: Sequence[int], examples: Tensor, steps: int, rate: float,
        cells: Bool[Tensor, "examples pos"] | None = None,
    ) -> Float[Tensor, "mlps units width"]:  # fmt: skip
        """Changes of some MLPs' matrices by Adam on the squared error; it ends early where all cells are near."""
        chosen = torch.zeros(len(self.problem.mlps), 1, 1, dtype=torch.float64)
        chosen[list(mlps)] = 1.0
        changes = self.nothing().requires_grad_()
        optimiser = torch.optim.Adam([changes], lr=rate)
        for _ in range(steps):
            off = self.off(self.run(chosen * changes, examples)[0], examples, cells)
            if off.abs().max() <= NEAR * self.problem.tolerance:
                break
            self.step(optimiser, off, len(examples))
        return (chosen * changes).detach()

    def step(self, optimiser: torch.optim.Optimizer, off: Tensor, examples: int) -> None:
        self.budget.spend(examples, "backward")
        optimiser.zero_grad()
        off.square().sum(-1).mean().backward()
        optimiser.step()

    def nothing_to_do(self) -> bool:
        """Whether the model is right on every example as it is."""
        with torch.no_grad():
            off = self.off(self.run(self.nothing(), self.everything())[0], self.everything())
        return bool(off.abs().max() <= self.problem.tolerance)

    def wanted_writing(
        self, mlp: int, examples: Tensor, steps: int, rate: float
    ) -> Float[Tensor, "examples pos width"]:
        """What one MLP would have to write beyond what it does, cell by cell, found by Adam from nothing."""
        added = torch.zeros(len(examples), self.tokens.shape[1], self.problem.width, dtype=torch.float64)
        added.requires_grad_()
        optimiser = torch.optim.Adam([added], lr=rate)
        for _ in range(steps):
            off = self.off(self.run(self.nothing(), examples, (mlp, added))[0], examples)
            if off.abs().max() <= NEAR * self.problem.tolerance:
                break
            self.step(optimiser, off, len(examples))
        return added.detach()

    def writing(self, mlp: int, examples: Tensor, steps: int, rate: float) -> tuple[Tensor, Tensor]:
        """What one MLP would have to write beyond what it does, and what its units do, in each cell."""
        wanted = self.wanted_writing(mlp, examples, steps, rate)
        with torch.no_grad():
            return wanted, self.run(self.nothing(), examples)[1][mlp]

    def best_mlp(self, change_of: ChangeOf, rng: np.random.Generator) -> int:
        """The MLP whose change, made from half of the examples, errs least on the other half."""
        fitted, held = self.halves(rng)
        tried = [change_of(mlp, fitted) for mlp in range(len(self.problem.mlps))]
        return int(np.argmin([self.error(changes, held) for changes in tried]))

    def change_of_best_mlp(self, change_of: ChangeOf, rng: np.random.Generator) -> Tensor:
        """The change of that MLP made from all examples; none where the model is right as it is."""
        if self.nothing_to_do():
            return self.nothing()
        return change_of(self.best_mlp(change_of, rng), self.everything())
