"""What a method does with a problem: run its networks on strings and exchange what nodes write, within the budget."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from bench.core.contract import Budget
from bench.models.graph import Graph
from bench.models.patching import donors_resample, edge_effects, output_change
from bench.models.transformer import Transformer
from bench.tracks.circuit_comparison.networks import load
from bench.tracks.circuit_comparison.types import Problem

Strings = Int[np.ndarray, "strings length"]

LIVE = 1e-3
"""Below this share of the largest output a change is rounding or the softmax's leak: the outputs are classes."""


class Experiment:
    """A problem's networks (number 0 is the reference), and the budget."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.budget = Budget(problem.budget)

    @cached_property
    def networks(self) -> list[Transformer]:
        return [Transformer(config, weights, torch.float64) for config, weights in load(self.problem.networks.path)]

    @property
    def candidates(self) -> range:
        return range(1, len(self.problem.start))

    def tokens(self, network: int, strings: Strings) -> Int[np.ndarray, "strings pos"]:
        """Strings as a network reads them."""
        start = np.full((len(strings), 1), self.problem.start[network])
        return np.concatenate([start, self.problem.alphabet[network][strings]], axis=1)

    def draw(self, count: int, rng: np.random.Generator) -> Strings:
        """Strings of the problem's sample first, then fresh ones."""
        shown = self.problem.strings[:count]
        size = (count - len(shown), shown.shape[1])
        return np.concatenate([shown, rng.integers(self.problem.alphabet.shape[1], size=size)])

    def outputs(self, network: int, strings: Strings) -> Float[np.ndarray, "strings length outputs"]:
        """What a network says at all positions but the first."""
        self.budget.spend(len(strings))
        return self.networks[network].run(self.tokens(network, strings))[:, 1:].numpy()

    def written(self, network: int, strings: Strings) -> Float[np.ndarray, "nodes rows d_model"]:
        """What each head and MLP writes at all positions but the first; rows are strings by positions."""
        self.budget.spend(len(strings))
        model = self.networks[network]
        nodes = model.node_outputs(self.tokens(network, strings))[self.inputs(model) :, :, 1:]
        return nodes.flatten(1, 2).numpy()

    def telling(self, count: int, rng: np.random.Generator, pool: int = 96) -> tuple[Strings, Strings]:
        """Pairs of strings on which the reference answers differently, each string of a pool in one pair at most.

        Fewer than `count` where the pool holds no more. All networks answer alike, so the pairs tell in every one.
        """
        strings = self.draw(pool, rng)
        answers = self.outputs(0, strings).argmax(axis=2)
        left: list[int] = rng.permutation(pool).tolist()
        pairs: list[tuple[int, int]] = []
        while left and len(pairs) < count:
            base = left.pop()
            other = next((place for place in left if (answers[place] != answers[base]).any()), None)
            if other is not None:
                left.remove(other)
                pairs.append((base, other))
        chosen = np.array(pairs, int).reshape(-1, 2)
        return strings[chosen[:, 0]], strings[chosen[:, 1]]

    def affordable(self, pairs: int) -> int:
        """So many pairs of strings, or as many as the budget holds for `interchange` in every network, at least one."""
        runs = sum(2 + len(model.sources) - self.inputs(model) for model in self.networks)
        return max(1, min(pairs, self.budget.left // runs))

    def affordable_edges(self, pairs: int, pool: int = 96) -> int:
        """So many pairs of strings, or as many as the budget holds for `effects` in every network after `telling`.

        At least one, which `effects` declines where the budget holds none.
        """
        runs = sum(2 + len(Graph(model.config, "qkv").edges) for model in self.networks)
        return max(1, min(pairs, (self.budget.left - pool) // runs))

    @staticmethod
    def inputs(model: Transformer) -> int:
        """How many sources are embeddings."""
        return sum(source in ("embed", "pos") for source in model.sources)

    def interchange(self, network: int, base: Strings, source: Strings) -> Float[np.ndarray, "nodes pairs cells"]:
        """Change of the output when what a head or MLP writes on `base` is what it writes on `source`, everywhere.

        Cells are positions but the first by output coordinates.
        """
        model, graph = self.networks[network], Graph(self.networks[network].config, "node")
        rows = np.eye(len(graph.edges))[self.inputs(model) :]
        self.budget.spend((2 + len(rows)) * len(base))
        tokens = self.tokens(network, base)
        clean, donors = model.node_outputs(tokens), model.node_outputs(self.tokens(network, source))
        whole = clean.sum(0) + sum(model.weights[f"layers.{layer}.o_bias"] for layer in range(model.config.n_layers))
        changes = []
        for layer in np.split(rows, model.config.n_layers):  # what lies before a layer is not run again
            patched = model.patched(tokens, donors, torch.as_tensor(graph.patch_matrix(layer)), clean=clean)
            changes.append(patched - model.unembed(whole))
        return torch.cat(changes)[:, :, 1:].flatten(2).numpy()

    def effects(self, network: int, base: Strings, source: Strings) -> tuple[Graph, Float[Tensor, "edges"]]:
        """How far the output moves when each edge alone is patched, on average over pairs of strings."""
        model = self.networks[network]
        graph = Graph(model.config, "qkv")
        self.budget.spend((2 + len(graph.edges)) * len(base))
        tokens, others = (self.tokens(network, strings) for strings in (base, source))
        scored = np.arange(tokens.shape[1]) > 0
        donors = donors_resample(model, tokens, others)
        return graph, edge_effects(model, graph, tokens, donors, output_change(scored))
