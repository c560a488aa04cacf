"""Edge pruning: masks over edges and nodes, driven to a target sparsity.

An edge is kept as far as its own hard-concrete mask and that of the node that writes to it allow, and the masks are
trained to keep the output where it is. Sparsity s, the expected share of edges (or of nodes) that are wholly patched,
is driven to a target t by a Lagrangian, a (t - s) + b (t - s)^2, whose multipliers a and b are trained to make it
large. The target rises from 0 in equal steps over most of the training. An edge scores by the logarithm of its chance
to be kept at all, and is chosen where that is above one half.
Departs from the paper in the squared change of the output where it has a divergence of next-token distributions, in
the number of steps (thousands there), and in the targets: all edges, so that pressure grows until only what resists is
left (the authors' own runs on compiled programs ask for more than all), and half of the nodes. The defaults were chosen
on dev seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.masks import STEPS, Course, HardConcrete, adam, answer, start
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = "Bhaskar, Wettig, Friedman and Chen (2024), Finding transformer circuits with edge pruning, NeurIPS"
NEEDS = ("gradients",)

MASK = HardConcrete()
RATE, PRESSURE = 0.1, 0.01  # learning rates of masks and of multipliers
RISING = 0.9  # share of the training over which the targets rise


@dataclass(frozen=True)
class Lagrangian:
    """What sparsity costs: a (t - s) + b (t - s)^2."""

    target: float
    multipliers: Tensor

    @classmethod
    def towards(cls, target: float) -> Lagrangian:
        return cls(target, torch.zeros(2, dtype=torch.float64, requires_grad=True))

    def cost(self, sparsity: Tensor, progress: float) -> Float[Tensor, ""]:
        """With the target as it stands at `progress`, in [0, 1], of the training."""
        missing = self.target * min(1.0, progress / RISING) - sparsity
        return (self.multipliers * torch.stack([missing, missing.square()])).sum()


def solve(
    problem: Problem,
    rng: np.random.Generator,
    *,
    steps: int = STEPS,
    edge_target: float = 1.0,
    node_target: float = 0.5,
    rate: float = RATE,
    pressure: float = PRESSURE,
) -> Answer:
    experiment = Experiment(problem)
    course = Course.within_budget(experiment, steps, rng)
    costs = Lagrangian.towards(edge_target), Lagrangian.towards(node_target)
    opposed = adam([(cost.multipliers, pressure) for cost in costs], ascend=True)
    return prune(experiment, course, *costs, opposed, rate)


def prune(
    experiment: Experiment,
    course: Course,
    of_edges: Lagrangian,
    of_nodes: Lagrangian,
    opposed: torch.optim.Optimizer,
    rate: float,
) -> Answer:
    """Train the masks while `opposed` trains the multipliers."""
    writer = writers(experiment.problem)
    edges, nodes = start(len(writer)), start(int(writer.max()) + 1)

    def loss(step: int) -> Float[Tensor, ""]:
        kept = MASK.at(edges, course.uniform(len(edges))) * MASK.at(nodes, course.uniform(len(nodes)))[:, writer]
        progress = step / course.steps
        sparsity = 1 - log_chances(edges, nodes, writer).exp().mean()
        node_sparsity = 1 - MASK.expected_l0(nodes).mean()
        return course.loss(kept) + of_edges.cost(sparsity, progress) + of_nodes.cost(node_sparsity, progress)

    course.train([adam([(edges, rate), (nodes, rate)]), opposed], loss)
    scores = log_chances(edges, nodes, writer).detach()
    return answer(experiment, scores, scores.exp())


def writers(problem: Problem) -> Tensor:
    """For each edge the number of the node, or at acdc granularity the slot, that writes to it."""
    sources = [edge.split("->")[0] for edge in problem.edges]
    return torch.as_tensor(np.unique(sources, return_inverse=True)[1])


def log_chances(edges: Tensor, nodes: Tensor, writer: Tensor) -> Float[Tensor, "edges"]:
    """Logarithm of the chance that neither the edge's nor its node's mask is 0."""
    return torch.log(MASK.expected_l0(edges)) + torch.log(MASK.expected_l0(nodes))[writer]
