"""What methods do with a problem: run both models on the strings and on exchanges, within the budget."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bench.core.contract import Blob, Unsupported
from bench.models.graph import Graph
from bench.models.transformer import Transformer
from bench.tracks.circuit_transfer.matching import layer_and_head, of_one_kind
from bench.tracks.circuit_transfer.types import Problem

Likeness = Callable[[np.ndarray, np.ndarray], float]


class Side:
    """One of the two models, its nodes that matter, and the strings in its token numbers."""

    def __init__(self, model: Blob, nodes: list[str], inputs: np.ndarray, scored: np.ndarray) -> None:
        self.model = Transformer.load(model.path, torch.float64)
        self.nodes, self.inputs, self.scored = nodes, inputs, torch.as_tensor(scored)

    @cached_property
    def outputs_of_nodes(self) -> Float[Tensor, "sources inputs pos d_model"]:
        return self.model.node_outputs(self.inputs)

    @cached_property
    def written(self) -> Float[np.ndarray, "nodes inputs pos d_model"]:
        """What each node writes."""
        index = [self.model.sources.index(node) for node in self.nodes]
        return self.outputs_of_nodes[index].numpy()

    def exchange_changes(self, partner: Int[np.ndarray, "inputs"]) -> Float[np.ndarray, "nodes inputs pos"]:
        """How far the output moves at each scored position when a node alone writes what it does on another string.

        `partner[i]` is the string from which the node's value on string i is taken.
        """
        graph = Graph(self.model.config, "node")
        one_hot = np.array([[edge == f"{node}->*" for edge in graph.edges] for node in self.nodes], float)
        patch = torch.as_tensor(graph.patch_matrix(one_hot))
        clean = self.model.run(self.inputs)
        donors = self.outputs_of_nodes[:, torch.as_tensor(partner)]
        moved = torch.cat([self.model.patched(self.inputs, donors, patch[[row]]) for row in range(len(patch))])
        return (moved - clean)[:, :, self.scored].norm(dim=-1).numpy()

    @cached_property
    def patterns(self) -> dict[str, np.ndarray]:
        """Attention of each head among the nodes, [inputs, queries, keys]."""
        return {node: self._pattern(*layer_and_head(node)) for node in self.nodes if node.startswith("a")}

    def _pattern(self, layer: int, head: int) -> Float[np.ndarray, "inputs queries keys"]:
        config = self.model.config
        stream = self.outputs_of_nodes[: self.model.sources.index(f"a{layer}.h0")].sum(0)
        biases = sum((self.model.weights[f"layers.{before}.o_bias"] for before in range(layer)), torch.zeros(1))
        q, k, _ = self.model.project((stream + biases)[None, None, None], layer, [head])[0, 0]
        scores = q @ k.transpose(-1, -2) * config.scale
        if config.causal:
            scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -torch.inf)
        return scores.softmax(-1).numpy()


class Experiment:
    """Both models of a problem. Raises `Unsupported` where planned exchanges go beyond the budget."""

    def __init__(self, problem: Problem, exchanges: int = 0) -> None:
        self.problem = problem
        planned = (exchanges * (len(problem.roles) + len(problem.nodes)) + 2 + 2 * (exchanges > 0)) * len(
            problem.inputs_a
        )
        if planned > problem.budget:
            raise Unsupported(f"needs {planned} passes, the budget has {problem.budget}")
        self.a = Side(problem.model_a, problem.roles, problem.inputs_a, problem.scored)
        self.b = Side(problem.model_b, problem.nodes, problem.inputs_b, problem.scored)

    @cached_property
    def allowed(self) -> Bool[np.ndarray, "roles nodes"]:
        return of_one_kind(self.problem.roles, self.problem.nodes)

    @cached_property
    def groups(self) -> Int[np.ndarray, "rows"]:
        """The string of each row of `written_likeness`."""
        return np.repeat(np.arange(len(self.problem.inputs_a)), int(self.problem.scored.sum()))

    def written_likeness(self, likeness: Likeness) -> Float[np.ndarray, "roles nodes"]:
        """How alike what nodes write is, over strings and scored positions; 0 for nodes of different kinds."""
        a, b = (
            [table[:, self.problem.scored].reshape(-1, table.shape[-1]) for table in side.written]
            for side in (self.a, self.b)
        )
        return np.array([[likeness(x, y) if may else 0.0 for y, may in zip(b, row, strict=True)]
                         for x, row in zip(a, self.allowed, strict=True)])  # fmt: skip

    def signatures(
        self, rng: np.random.Generator, rounds: int
    ) -> tuple[Float[np.ndarray, "roles rounds inputs pos"], Float[np.ndarray, "nodes rounds inputs pos"]]:
        """Changes of either output by exchange; in round r string i takes the node's value from string i + step r."""
        count = len(self.problem.inputs_a)
        steps = rng.permutation(np.arange(1, count))[:rounds]
        partners = [(np.arange(count) + step) % count for step in steps]
        a, b = (np.stack([side.exchange_changes(p) for p in partners], 1) for side in (self.a, self.b))
        return a, b
