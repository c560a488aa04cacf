"""Masks over edges that are learned by gradient: their distributions, the loss that they pay, and the training loop.

A mask keeps an edge as far as it is 1 and patches it as far as it is 0. Methods differ in the distribution of the
masks, in what sparsity costs and in the donors; what is measured is common: `Course.loss`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from bench.core.contract import Unsupported, count_passes
from bench.tracks.circuits.experiment import Experiment
from bench.tracks.circuits.types import Answer

STEPS = 200
LEAST_STEPS = 20
"""With fewer steps than this nothing is learned, and a method declines the unit instead."""
SETUP = 3  # runs over all examples before the first step: node outputs, donors, clean output
LIKELY = 4.0  # logits at the start: masks keep nearly everything
WINDOW = 2.0  # at most 2, or the chances of the ends are negative: the more, the more often a mask is uniform


@dataclass(frozen=True)
class HardConcrete:
    """A variable in [0, 1] with mass at both ends, differentiable in its logit (Louizos et al. 2018, section 2.2).

    s = sigmoid((log u - log(1 - u) + logit) / temperature) for uniform u is stretched to (low, high) and clipped.
    """

    temperature: float = 2 / 3
    low: float = -0.1
    high: float = 1.1

    def at(self, logits: Float[Tensor, "*any"], uniform: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The variable at a quantile in (0, 1): eqs 10 and 11."""
        concrete = torch.sigmoid((torch.logit(uniform) + logits) / self.temperature)
        return (concrete * (self.high - self.low) + self.low).clamp(0, 1)

    def cdf(self, value: float, logits: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """Chance of at most `value`, in [0, 1): sigmoid(temperature * logit(share of the stretch) - logits)."""
        share = (value - self.low) / (self.high - self.low)
        return torch.sigmoid(self.temperature * math.log(share / (1 - share)) - logits)

    def expected_l0(self, logits: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """Chance of not being exactly 0, eq. 12; 1 - cdf(0), but of full precision where it is small."""
        return torch.sigmoid(logits - self.temperature * math.log(-self.low / self.high))


def sample_window(logits: Float[Tensor, "*any"], uniform: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Masks of uniform gradient sampling: with p = sigmoid(logits) and w = `WINDOW` p (1 - p), uniform on (0, 1) with
    chance w, else 1 with chance p - w/2 and 0 with chance 1 - p - w/2 (Li and Janson 2024, UGS).

    The derivative by a logit is 1 / `WINDOW` times that by the mask where the mask is uniform, and 0 elsewhere. Its
    mean is therefore p (1 - p) E[loss(mask 1) - loss(mask 0)], the derivative of the expected loss of a mask that is
    1 with chance p and else 0, the others being drawn as they are.
    """
    p = torch.sigmoid(logits.detach())
    value = 0.5 + (p - uniform) / (WINDOW * p * (1 - p))
    inside = (value > 0) & (value < 1)
    return value.clamp(0, 1) + inside * (logits - logits.detach()) / WINDOW


@dataclass(frozen=True)
class Course:
    """A number of training steps, each of as many example passes as there are examples, forward and backward.

    Every step draws one example, and for it as many masks as there are examples: masks vary more than examples do.
    """

    experiment: Experiment
    steps: int
    generator: torch.Generator

    @classmethod
    def within_budget(cls, experiment: Experiment, steps: int, rng: np.random.Generator) -> Course:
        """As many steps as the unit's budget allows; raises `Unsupported` where these are too few."""
        experiment.afford(SETUP + 2 * LEAST_STEPS, "learning masks")
        allowed = (experiment.problem.budget // experiment.examples - SETUP) // 2
        seed = int(rng.integers(2**62))
        return cls(experiment, min(steps, allowed), torch.Generator().manual_seed(seed))

    def uniform(self, size: int) -> Float[Tensor, "masks size"]:
        """Quantiles strictly between 0 and 1."""
        drawn = torch.rand((self.experiment.examples, size), generator=self.generator, dtype=torch.float64)
        tiny = torch.finfo(drawn.dtype).tiny
        return drawn.clamp(min=tiny)

    def loss(self, kept: Float[Tensor, "masks edges"], donors: Tensor | None = None) -> Float[Tensor, ""]:
        """Mean over the step's masks of how far the output lies from the clean one (`distance`).

        `kept` says how far each edge is kept; `donors` stand in for those of the problem's intervention.
        """
        drawn = torch.randint(self.experiment.examples, (1,), generator=self.generator)
        return distance(self.experiment, kept, drawn, self.experiment.donors if donors is None else donors).mean()

    def train(self, optimizers: Sequence[torch.optim.Optimizer], loss: Callable[[int], Tensor]) -> None:
        """Gradient steps of all optimizers on `loss(step)`."""
        for step in range(self.steps):
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss(step).backward()
            for optimizer in optimizers:
                optimizer.step()


def distance(
    experiment: Experiment, kept: Float[Tensor, "masks edges"], examples: Int[Tensor, "shown"], donors: Tensor
) -> Float[Tensor, "masks"]:
    """Squared change of the scored output under masks, weighted as the metric weighs it, over its variance.

    The change is squared at every position and coordinate, so that changes do not cancel within an example. Where the
    output is another example's, drawn at random, it is 2 on average, whatever the output's unit.
    """
    patch = experiment.graph.patch_matrix(1 - kept)
    donors = donors[:, examples] if donors.shape[1] > 1 else donors
    output = experiment.model.patched(experiment.problem.clean[examples.numpy()], donors, patch)
    count_passes("backward", len(kept) * len(examples))
    change = (output - experiment.output[examples]).square() * _weights(experiment)[examples]
    return change.flatten(2).sum(-1).mean(-1) / _variance(experiment)


def _weights(experiment: Experiment) -> Float[Tensor, "batch pos outputs"]:
    """How much a squared change of each output counts: the metric's squared direction, or 1 where it is scored."""
    if experiment.problem.metric == "signed_output":
        return experiment.direction.square()
    scored = torch.as_tensor(experiment.problem.scored)[:, None]
    return scored.expand_as(experiment.output).to(experiment.output)


def _variance(experiment: Experiment) -> float:
    """Half the mean weighted squared difference between the clean outputs of two examples drawn with replacement, the
    weights being the first one's; raises `Unsupported` where there is none."""
    squared = (experiment.output - experiment.output.mean(0)).square()
    variance = float(((squared + squared.mean(0)) * _weights(experiment)).flatten(1).sum(1).mean()) / 2
    if variance == 0:
        raise Unsupported("the clean output is the same for all examples: nothing says which change of it is large")
    return variance


def adam(groups: Sequence[tuple[Tensor, float]], ascend: bool = False) -> torch.optim.Adam:
    """Adam (Kingma and Ba 2015) on tensors, each with its own rate; `ascend` makes the loss large."""
    return torch.optim.Adam([{"params": [values], "lr": rate} for values, rate in groups], maximize=ascend)


def start(size: int) -> Tensor:
    """Logits to be learned."""
    return torch.full((size,), LIKELY, dtype=torch.float64, requires_grad=True)


@torch.no_grad()
def answer(experiment: Experiment, scores: Float[Tensor, "edges"], probabilities: Float[Tensor, "edges"]) -> Answer:
    """What is kept with more than even odds and lies on a path through such edges is the chosen circuit."""
    chances = probabilities.numpy().copy()
    return Answer(scores.numpy().copy(), experiment.graph.prune(chances > 0.5), probabilities=chances)
