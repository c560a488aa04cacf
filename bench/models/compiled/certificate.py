"""Which edges of a model are live, by exhaustive patching in float64, and how surely.

The effect of an edge is the mean over examples of the Euclidean change of the scored output when that edge alone is
patched. A placebo (every node patched with its own value, computed in another order) shows what rounding does. Live is
what exceeds ten times the largest placebo effect. The verdict is certified where the weakest live effect is at least
ten times the strongest dead one; without that gap there is no binary truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.models import exhaustive
from bench.models.checkpoint import Config
from bench.models.graph import Graph

MARGIN = 10.0
INTERVENTIONS = ("resample", "zero", "mean")


class Uncertified(ValueError):
    """Live and dead effects lie too close together for a binary truth."""


@dataclass(frozen=True)
class Subject:
    """A model and the inputs on which its edges are patched."""

    config: Config
    weights: Mapping[str, np.ndarray]
    clean: Int[np.ndarray, "examples pos"]
    corrupted: Int[np.ndarray, "examples pos"]
    scored: Bool[np.ndarray, "pos"]

    def first(self, examples: int) -> Subject:
        return Subject(self.config, self.weights, self.clean[:examples], self.corrupted[:examples], self.scored)

    def donors(self, intervention: str) -> Float[np.ndarray, "nodes #examples #pos d_model"]:
        """Node outputs of the corrupted runs; nothing; or the mean over examples and positions of the clean runs."""
        if intervention not in INTERVENTIONS:
            raise ValueError(f"intervention is {intervention!r}; choose one of {INTERVENTIONS}")
        if intervention == "resample":
            return exhaustive.node_outputs(self.config, self.weights, self.corrupted)
        clean = exhaustive.node_outputs(self.config, self.weights, self.clean)
        return clean.mean(axis=(1, 2), keepdims=True) if intervention == "mean" else np.zeros_like(clean)

    def effects(self, intervention: str, granularity: str) -> Float[np.ndarray, "edges"]:
        graph, donors = Graph(self.config, granularity), self.donors(intervention)
        return exhaustive.edge_effects(self.config, self.weights, graph, self.clean, donors, self.scored)

    def placebo(self, granularity: str) -> float:
        graph = Graph(self.config, granularity)
        return exhaustive.placebo(self.config, self.weights, graph, self.clean, self.scored)

    def output_size(self) -> float:
        """Mean over examples of the Euclidean norm of the scored output."""
        output = exhaustive.forward(self.config, self.weights, self.clean)[:, self.scored]
        return float(np.sqrt(np.square(output).sum(axis=(1, 2))).mean())


@dataclass(frozen=True)
class Verdict:
    """Effects by edge, which are live, and the numbers that certify it."""

    effects: Float[np.ndarray, "edges"]
    live: Bool[np.ndarray, "edges"]
    placebo: float
    threshold: float
    gap: float


def verdict(effects: Float[np.ndarray, "edges"], placebo: float, output_size: float) -> Verdict:
    """Live edges with their gap; raises `Uncertified` where the gap is below ten.

    Where no edge is live the size of the output itself stands for the weakest live effect.
    """
    threshold = MARGIN * placebo
    live = effects > threshold
    weakest = float(effects[live].min()) if live.any() else output_size
    strongest_dead = max(float(effects[~live].max()) if not live.all() else 0.0, placebo)
    gap = weakest / strongest_dead if strongest_dead > 0 else np.inf
    if gap < MARGIN:
        raise Uncertified(
            f"weakest live effect {weakest:.1e}, strongest dead {strongest_dead:.1e}: gap {gap:.1f} is below {MARGIN:g}"
        )
    return Verdict(effects, live, placebo, threshold, gap)


def judge(subject: Subject, intervention: str, placebo: float, granularity: str = "qkv") -> Verdict:
    """The certified verdict on every edge of a model under an intervention."""
    return verdict(subject.effects(intervention, granularity), placebo, subject.output_size())
