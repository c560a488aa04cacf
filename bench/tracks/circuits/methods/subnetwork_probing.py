"""Subnetwork probing over edges.

A hard-concrete mask for every edge is trained to keep the output where it is with few edges: the loss is the squared
change of the output in units of its variance, plus `price` for each edge that is not wholly patched (the expected L0
norm in closed form). An edge scores by its final logit, and is chosen where its mask is more likely than not above 0.
Departs from the paper, which masks weights for a probe, in masking edges between the run's own and the donor's value
(as Conmy et al. 2023 do for nodes), and in the squared change where the paper has a cross-entropy. The defaults
were chosen on dev seeds.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from torch import Tensor

from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.masks import STEPS, Course, HardConcrete, adam, answer, start
from bench.tracks.circuits.types import Answer, Problem

REFERENCE = (
    "Cao, Sanh and Rush (2021), Low-complexity probing via finding subnetworks, NAACL; Louizos, Welling and Kingma"
    " (2018), Learning sparse neural networks through L0 regularization, ICLR, eqs 10-13"
)
NEEDS = ("gradients",)

PRICE, RATE = 0.001, 0.1


def solve(
    problem: Problem, rng: np.random.Generator, *, steps: int = STEPS, price: float = PRICE, rate: float = RATE
) -> Answer:
    experiment = Experiment(problem)
    return probe(experiment, Course.within_budget(experiment, steps, rng), HardConcrete(), price, rate)


def probe(experiment: Experiment, course: Course, mask: HardConcrete, price: float, rate: float) -> Answer:
    """Train masks of a distribution and read them."""
    logits = start(len(experiment.graph.edges))

    def loss(step: int) -> Float[Tensor, ""]:
        kept = mask.at(logits, course.uniform(len(logits)))
        return course.loss(kept) + price * mask.expected_l0(logits).sum()

    course.train([adam([(logits, rate)])], loss)
    return answer(experiment, logits, mask.expected_l0(logits))
