"""What the methods of this track share: the problem's model, metric and donors, ready to be patched or differentiated.

Methods do not agree on how edges are scored; they agree on what is measured (`metric`, `deviation`) and on when an
effect is large enough for the chosen circuit (`SHARE` of `scale`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bench.core.contract import BadInput, Unsupported
from bench.models.graph import Graph, node_of
from bench.models.patching import donors_for
from bench.models.transformer import Transformer
from bench.tracks.circuits.types import OUTPUT_METRICS, Problem

SHARE = 0.02
"""An edge is chosen where its effect on the metric is above this share of the metric's own scale."""

LARGE = 100_000_000
"""Bytes of a checkpoint from which on models are run in single precision."""


@dataclass(frozen=True)
class Experiment:
    problem: Problem

    def __post_init__(self) -> None:
        if self.problem.metric not in OUTPUT_METRICS:
            raise BadInput(f"metric is {self.problem.metric!r}; choose one of {OUTPUT_METRICS}")

    @cached_property
    def model(self) -> Transformer:
        """In double precision, or single where it is large: nothing of its truth is exact, and memory counts."""
        path = self.problem.model.path
        return Transformer.load(path, torch.float32 if path.stat().st_size > LARGE else torch.float64)

    @cached_property
    def graph(self) -> Graph:
        return self.model.graph(self.problem.granularity)

    @property
    def examples(self) -> int:
        return len(self.problem.clean)

    @cached_property
    def nodes(self) -> Float[Tensor, "nodes batch pos d_model"]:
        """Node outputs of the clean runs."""
        return self.model.node_outputs(self.problem.clean)

    @cached_property
    def donors(self) -> Float[Tensor, "nodes #batch #pos d_model"]:
        """Node outputs that patching puts in their place."""
        return donors_for(self.model, self.problem.intervention, self.problem.clean, self.problem.corrupted)

    @cached_property
    def output(self) -> Float[Tensor, "batch pos outputs"]:
        """Output of the clean runs."""
        return self.model.run(self.problem.clean)

    @cached_property
    def direction(self) -> Float[Tensor, "batch pos outputs"]:
        """The problem's direction, zero where a position is not scored."""
        return torch.as_tensor(self.problem.direction * self.problem.scored[:, None], dtype=self.model.dtype)

    def metric(self, output: Float[Tensor, "batch pos outputs"]) -> Float[Tensor, ""]:
        """The problem's metric: the mean over examples of sum(direction * output), or of the squared distance to the
        clean output averaged over scored positions and coordinates."""
        if self.problem.metric == "signed_output":
            return (self.direction * output).flatten(1).sum(1).mean()
        return self._squared(output, self._attributed_output).mean()

    def deviation(self, output: Float[Tensor, "*masks batch pos outputs"]) -> Float[Tensor, "*masks"]:
        """How far the metric lies from its clean value, taken example by example so that nothing cancels."""
        if self.problem.metric == "signed_output":
            return (self.direction * (output - self.output)).flatten(-2).sum(-1).abs().mean(-1)
        return self._squared(output, self.output).mean(-1)

    @cached_property
    def _attributed_output(self) -> Float[Tensor, "batch pos outputs"]:
        """The clean output as a run with gradients gives it, to the bit: at the clean run the distance to it, and its
        gradient, are exactly zero."""
        return self.model.slot_gradients(self.problem.clean, torch.sum).output

    def _squared(self, output: Tensor, clean: Tensor) -> Float[Tensor, "*masks batch"]:
        scored = torch.as_tensor(self.problem.scored)
        return (output - clean)[..., scored, :].square().mean((-2, -1))

    @cached_property
    def scale(self) -> float:
        """What the metric would change by if every output moved by its standard deviation over the clean examples.

        It has the metric's unit, so that a threshold that is a share of it is the same in any unit.
        """
        spread = self.output.std(0, correction=0)
        if self.problem.metric == "signed_output":
            return float((self.direction.abs() * spread).flatten(1).sum(1).mean())
        return float(spread[torch.as_tensor(self.problem.scored)].square().mean())

    def choose(self, scores: Float[np.ndarray, "edges"], share: float = SHARE) -> Bool[np.ndarray, "edges"]:
        """Edges above `share` of the scale that lie on a path from an input to the output through such edges."""
        return self.graph.prune(scores > share * self.scale)

    def afford(self, runs: int, purpose: str) -> None:
        """Raise `Unsupported` where `runs` passes over all examples exceed the unit's budget."""
        passes = runs * self.examples
        if passes > self.problem.budget:
            raise Unsupported(f"{purpose} takes {passes} example passes, the budget is {self.problem.budget}")

    def attribute(self, inputs: Float[Tensor, "batch pos d_model"] | None = None) -> Float[np.ndarray, "edges"]:
        """First-order change of the metric when each edge is patched: sum of (donor - clean) * gradient, the gradient
        taken at the clean run or, with `inputs`, where the token embedding has these values."""
        found = self.model.slot_gradients(self.problem.clean, self.metric, inputs)
        return self.graph.reduce(found.products(self.donors - self.nodes)).numpy()

    @property
    def change(self) -> Float[Tensor, "nodes batch pos d_model"]:
        """What patching adds to each source: the donor's output minus the clean one."""
        return self.donors - self.nodes

    def read_by(self, source: int) -> Bool[np.ndarray, "slots"]:
        """The slots that read a source."""
        return self.graph.feeds[:, source]


def weaker_ends(edges: Sequence[str], effects: Mapping[str, float]) -> Float[np.ndarray, "edges"]:
    """The smaller effect of each edge's two nodes; a node without one, the output, does not limit."""
    return np.array([min(effects.get(node_of(end), np.inf) for end in edge.split("->")) for edge in edges])
