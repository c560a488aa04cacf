"""Optimal ablation with uniform gradient sampling.

An ablated edge carries a constant, and the constants of all nodes are learned together with the chance of each edge to
be kept, so that what is lost is no more than what no constant could carry. The chances are learned from masks that
are uniform on (0, 1) now and then (`masks.sample_window`): there the derivative by the mask is that by the chance,
without bias. The loss is the squared change of the output, plus `price` for each edge that is expected to be kept.
An edge scores by its final logit and is chosen where its chance is above one half. Constants are of each position (or
with `by_position` off of the node alone), begin at the node's mean and are learned in units of its spread.
The problem's own intervention is not used: the question is which edges must carry information at all.
Departs from the paper in the squared change of the output where it has a divergence, in constants by position, which
aligned strings allow, in constants that also learn where an edge is ablated in part, and in the number of steps. The
defaults were chosen on dev seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.masks import STEPS, Course, adam, answer, sample_window, start
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = "Li and Janson (2024), Optimal ablation for interpretability, NeurIPS, section 3 (circuits) and UGS"
NEEDS = ("gradients",)

PRICE, RATE, CONSTANT_RATE = 0.001, 0.1, 0.001


@dataclass(frozen=True)
class Constants:
    """Donors that are the same for all examples: mean + spread * moved, of which `moved` is learned."""

    mean: Float[Tensor, "nodes 1 #pos d_model"]
    spread: Float[Tensor, "nodes 1 1 1"]
    moved: Float[Tensor, "nodes 1 #pos d_model"]

    @classmethod
    def of(cls, nodes: Float[Tensor, "nodes batch pos d_model"], by_position: bool) -> Constants:
        mean = nodes.mean(1 if by_position else (1, 2), keepdim=True)
        spread = (nodes - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
        return cls(mean, spread, torch.zeros_like(mean, requires_grad=True))

    @property
    def donors(self) -> Float[Tensor, "nodes 1 #pos d_model"]:
        return self.mean + self.spread * self.moved


def solve(
    problem: Problem,
    rng: np.random.Generator,
    *,
    steps: int = STEPS,
    price: float = PRICE,
    rate: float = RATE,
    constant_rate: float = CONSTANT_RATE,
    by_position: bool = True,
) -> Answer:
    experiment = Experiment(problem)
    course = Course.within_budget(experiment, steps, rng)
    constants = Constants.of(experiment.nodes, by_position)
    return learn(experiment, course, constants, sample_window, price, (rate, constant_rate))


def learn(
    experiment: Experiment,
    course: Course,
    constants: Constants,
    sample: Callable[[Tensor, Tensor], Tensor],
    price: float,
    rates: tuple[float, float],
) -> Answer:
    """Train chances, from masks that `sample` makes of logits and quantiles, and constants together."""
    logits = start(len(experiment.graph.edges))

    def loss(step: int) -> Float[Tensor, ""]:
        kept = sample(logits, course.uniform(len(logits)))
        return course.loss(kept, constants.donors) + price * torch.sigmoid(logits).sum()

    course.train([adam(list(zip((logits, constants.moved), rates, strict=True)))], loss)
    return answer(experiment, logits, torch.sigmoid(logits))
