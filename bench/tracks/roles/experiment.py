"""What methods share: the problem's model in torch, traces of its heads, and margins of patched runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bench.core.contract import Budget, Unsupported
from bench.models.transformer import Transformer
from bench.tracks.roles.types import Answer, Problem


@dataclass(frozen=True)
class Trace:
    """Attention of every head, and what each head writes at a destination for every source it reads.

    `moved[h, e]` is attention times value times output matrix at the example's `at`; its sum over sources is the head's
    output there.
    """

    attention: Float[Tensor, "heads examples pos pos"]
    moved: Float[Tensor, "heads examples pos d_model"]


class Experiment:
    """A problem's model in double precision. Every pass is counted; what goes beyond the budget is `Unsupported`."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.model = Transformer.load(problem.model.path, torch.float64)
        self.rows = np.arange(len(problem.tokens))
        self.nodes = [self.model.sources.index(head) for head in problem.heads]
        self.budget = Budget(problem.budget)

    @cached_property
    def clean(self) -> Float[Tensor, "nodes examples pos d_model"]:
        """What each node writes on the strings."""
        self.budget.spend(len(self.rows))
        return self.model.node_outputs(self.problem.tokens)

    @cached_property
    def altered(self) -> Float[Tensor, "nodes examples pos d_model"]:
        """What each node writes on the altered strings."""
        self.budget.spend(len(self.rows))
        return self.model.node_outputs(self.problem.altered)

    @cached_property
    def there(self) -> Bool[Tensor, "examples pos 1"]:
        """Each example's position `at`."""
        return torch.as_tensor(np.arange(self.problem.tokens.shape[1]) == self.problem.at[:, None])[..., None]

    def margins(self, output: Float[Tensor, "*any examples pos outputs"]) -> Float[Tensor, "*any examples"]:
        """By how much the right output's logit lies above the mean of all."""
        at = output[..., self.rows, self.problem.answered, :]
        return at[..., self.rows, self.problem.answer] - at.mean(-1)

    @cached_property
    def margin(self) -> Float[Tensor, "examples"]:
        """Margins of the model as it is."""
        self.budget.spend(len(self.rows))
        return self.margins(self.model.run(self.problem.tokens))

    def falls(self, donors: Float[Tensor, "nodes #examples #pos d_model"]) -> Float[np.ndarray, "roles heads"]:
        """By what share the margin falls when the output of one head after another is replaced by its donor's."""
        reads = self.model.feeds
        patch = torch.stack([reads * (torch.arange(reads.shape[1]) == node) for node in self.nodes]).double()
        self.budget.spend(len(self.nodes) * len(self.rows))
        patched = self.margins(self.model.patched(self.problem.tokens, donors, patch, clean=self.clean))
        return self.shares(self.margin - patched)

    def shares(self, change: Float[Tensor, "heads examples"]) -> Float[np.ndarray, "roles heads"]:
        """Changes of the margin as shares of it: sums over a role's examples by the sum of the margins."""
        return self.by_role(change) / self.by_role(self.margin[None])

    def by_role(self, values: Float[Tensor, "rows examples"]) -> Float[np.ndarray, "roles rows"]:
        """Means over the examples of each role."""
        of = self.problem.role_of
        return np.stack([values[:, of == role].mean(1).numpy() for role in range(len(self.problem.roles))])

    @cached_property
    def trace(self) -> Trace:
        """Attention patterns and what they move, on the strings."""
        self.budget.spend(len(self.rows), "forward")
        patterns, moved = [], []
        stream = torch.stack(self.model.embed(self.model.tokens(self.problem.tokens))).sum(0)[0]
        for layer in range(self.model.config.n_layers):
            pattern, parts = self._attend(stream, layer)
            patterns.append(pattern)
            moved.append(parts[:, self.rows, self.problem.at])
            stream = stream + parts.sum((0, 3)) + self.model.weights[f"layers.{layer}.o_bias"]
            if self.model.config.d_mlp:
                stream = stream + self.model.mlp(stream, layer)
        return Trace(torch.cat(patterns), torch.cat(moved))

    def _attend(self, stream: Float[Tensor, "examples pos d_model"], layer: int) -> tuple[Tensor, Tensor]:
        """Attention of a layer's heads and what each destination receives from each source."""
        if self.model.config.positions == "rotary":
            raise Unsupported("attention patterns of rotary models are not computed here")
        q, k, v = self.model.project(stream[None, None, None], layer)[0].unbind(1)
        scores = q @ k.transpose(-1, -2) * self.model.config.scale
        later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1) & self.model.config.causal
        pattern = scores.masked_fill(later, -math.inf).softmax(-1)
        written = torch.einsum("hbke,hed->hbkd", v, self.model.attention[layer].o)
        return pattern, torch.einsum("hbqk,hbkd->hbqkd", pattern, written)

    def gradients(self, added: dict[int, Tensor] | None = None) -> Float[Tensor, "heads examples pos d_model"]:
        """Derivative of each example's margin with respect to what each head writes; `added` as in `slot_gradients`."""
        self.budget.spend(2 * len(self.rows))
        tokens = self.problem.tokens
        probed = self.model.slot_gradients(tokens, lambda output: self.margins(output).sum(), added=added)
        reads = self.model.feeds[:, self.nodes].double()
        return torch.einsum("sh,sbpd->hbpd", reads, probed.gradients)

    @property
    def change(self) -> Float[Tensor, "heads examples pos d_model"]:
        """What each head writes on the strings minus what it writes on the altered ones, at `at` alone."""
        return (self.clean - self.altered)[self.nodes] * self.there


def answer(scores: Float[np.ndarray, "roles heads"], least: float) -> Answer:
    """The scores, and as players the heads whose score is at least `least`."""
    return Answer(scores, scores >= least)
