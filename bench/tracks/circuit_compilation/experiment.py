"""What a method does with a problem: run many subnetworks at once, within the budget, and compare their outputs.

Gates: `bench.tracks.circuit_compilation.gated`.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bench.core.contract import Budget
from bench.models.transformer import Transformer
from bench.tracks.circuit_compilation.gated import Gated
from bench.tracks.circuit_compilation.network import draw_inputs
from bench.tracks.circuit_compilation.types import Problem

ROWS = 2_000_000  # numbers in one [masks, inputs, pos, d_model] array

Keep = Bool[np.ndarray, "parts"]


class Experiment:
    """A problem's model with a gate at every part, inputs that may grow, and the budget."""

    def __init__(self, problem: Problem, rng: np.random.Generator) -> None:
        self.problem, self.rng = problem, rng
        self.gated = Gated(Transformer.load(problem.model.path, torch.float64), problem.parts)
        self.budget = Budget(problem.budget)
        self.scored = torch.as_tensor(problem.scored)
        self.inputs = np.unique(problem.inputs, axis=0)
        self.known = self.run(self.inputs, self.everything()[None])[0]

    def everything(self) -> Keep:
        return np.ones(len(self.problem.parts), bool)

    def run(self, tokens: Int[np.ndarray, "inputs pos"], masks: np.ndarray) -> Float[Tensor, "masks inputs pos out"]:
        """Outputs of subnetworks at the scored positions."""
        self.budget.spend(len(masks) * len(tokens), "forward")
        with torch.no_grad():
            return self.gated.outputs(tokens, torch.as_tensor(np.asarray(masks, float)))[:, :, self.scored]

    def largest_changes(self, masks: Bool[np.ndarray, "masks parts"]) -> Float[np.ndarray, "masks"]:
        """How far the outputs of each subnetwork lie from the network's at most, on the inputs known so far."""
        size = max(1, ROWS // (self.inputs.size * self.gated.model.config.d_model))
        groups = [masks[start : start + size] for start in range(0, len(masks), size)]
        found = [(self.run(self.inputs, group) - self.known).abs().amax(dim=(1, 2, 3)) for group in groups]
        return torch.cat(found).numpy() if found else np.zeros(0)

    def equal(self, keep: Keep) -> bool:
        """Whether a subnetwork's outputs are the network's on the inputs known so far."""
        return bool(self.largest_changes(keep[None])[0] <= self.problem.tolerance)

    def equal_so_far(self, keep: Keep) -> bool:
        """As `equal`, and false where the budget does not hold the runs."""
        return self.affords(1) and self.equal(keep)

    def affords(self, subnetworks: int) -> bool:
        """Whether the budget holds that many runs over the inputs known so far."""
        return subnetworks * len(self.inputs) <= self.budget.left

    def search(self, keep: Keep, count: int) -> bool:
        """Draw up to `count` fresh inputs and learn those on which a subnetwork differs; whether there are any."""
        count = min(count, self.budget.left // 2)
        if count < 1:
            return False
        tokens = draw_inputs(self.problem.allowed, count, self.rng)
        outputs = self.run(tokens, np.stack([self.everything(), keep]))
        differs = ((outputs[1] - outputs[0]).abs().amax(dim=(1, 2)) > self.problem.tolerance).numpy()
        self.learn(tokens[differs], outputs[0][torch.as_tensor(differs)])
        return bool(differs.any())

    def learn(self, tokens: Int[np.ndarray, "inputs pos"], outputs: Tensor, most: int = 8) -> None:
        """Add inputs (the first few) and the network's outputs on them to those that are known."""
        self.inputs = np.concatenate([self.inputs, tokens[:most]])
        self.known = torch.cat([self.known, outputs[:most]])

    def gate_gradients(self, directions: int) -> Float[np.ndarray, "directions parts"]:
        """Size of the derivative of the outputs with respect to every gate, by random projections of the outputs.

        Row r is the root of the sum over inputs of the squared derivative of one projection (signs drawn at random).
        """
        return np.stack([self._gate_gradient() for _ in range(directions)])

    def _gate_gradient(self) -> Float[np.ndarray, "parts"]:
        """One run over the inputs, with a gate of its own for every input and part."""
        self.budget.spend(len(self.inputs), "forward")
        self.budget.spend(len(self.inputs), "backward")
        gates = torch.ones(len(self.inputs), len(self.problem.parts), dtype=torch.float64, requires_grad=True)
        output = self.gated.paired(self.inputs, gates)[:, self.scored]
        signs = torch.as_tensor(self.rng.choice([-1.0, 1.0], size=tuple(output.shape)))
        (gradient,) = torch.autograd.grad((output * signs).sum(), gates)
        return gradient.square().sum(0).sqrt().numpy()
