"""What methods share: the problem's network in torch, waves over the numbers, margins of changed embeddings."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from bench.core.contract import Budget
from bench.models.checkpoint import load_arrays
from bench.models.transformer import Transformer
from bench.tracks.frequencies.types import Answer, Problem

OUTSTANDING = 10.0


class Experiment:
    """A problem's network in double precision; what goes beyond the budget is `Unsupported`."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.budget = problem, Budget(problem.budget)
        self.config, self.weights = load_arrays(problem.model.path)
        self.model = Transformer(self.config, self.weights, torch.float64)
        equals = np.full(len(problem.pairs), problem.modulus)
        self.tokens: Int[np.ndarray, "pairs pos"] = np.concatenate([problem.pairs, equals[:, None]], axis=1)
        self.frequencies = np.arange(1, (problem.modulus + 1) // 2)

    @cached_property
    def waves(self) -> Float[Tensor, "frequencies numbers"]:
        """exp(-2 pi i k n / p) of every frequency k and number n."""
        angle = 2 * np.pi * np.outer(self.frequencies, np.arange(self.problem.modulus)) / self.problem.modulus
        return torch.polar(torch.ones(angle.shape, dtype=torch.float64), torch.as_tensor(-angle))

    @property
    def numbers(self) -> Float[Tensor, "numbers d_model"]:
        """The embedding of the numbers, without that of "="."""
        return self.model.weights["embed"][: self.problem.modulus]

    def power(self, table: Float[Tensor, "numbers columns"]) -> Float[np.ndarray, "frequencies"]:
        """Squared size of the Fourier components of each column over the numbers, summed over columns."""
        return (self.waves @ table.to(torch.complex128)).abs().square().sum(1).numpy()

    def part(self, frequency: int) -> Float[Tensor, "numbers d_model"]:
        """What a frequency, counted from 0 for k = 1, contributes to the numbers' embedding."""
        wave = self.waves[frequency]
        component = wave @ self.numbers.to(torch.complex128)
        return 2 / self.problem.modulus * torch.outer(wave.conj(), component).real

    def logits(self, numbers: Float[Tensor, "numbers d_model"] | None = None) -> Float[Tensor, "pairs outputs"]:
        """Logits of the pairs less their mean over outputs, where asked with other embeddings of the numbers."""
        self.budget.spend(len(self.tokens))
        model = self.model
        if numbers is not None:
            embed = torch.cat([numbers, model.weights["embed"][self.problem.modulus :]])
            model = Transformer.of_tensors(self.config, {**model.weights, "embed": embed})
        logits = model.run(self.tokens)[:, -1]
        return logits - logits.mean(1, keepdim=True)

    def margin(self, numbers: Float[Tensor, "numbers d_model"] | None = None) -> float:
        """Mean over pairs of the right answer's logit less the mean of all."""
        return float(self.logits(numbers)[np.arange(len(self.tokens)), self.problem.answers].mean())


def answer(scores: Float[np.ndarray, "frequencies"]) -> Answer:
    """The scores, and as used those that are ten times the median."""
    return Answer(scores, (scores > 0) & (scores >= OUTSTANDING * np.median(scores)))
