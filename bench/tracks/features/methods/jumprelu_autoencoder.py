"""JumpReLU autoencoder: a code is what the encoder gives where it exceeds a learned threshold.

Minimises the mean over activations of |x - x'|^2 + penalty * (number of active latents) with one threshold a latent,
learned by straight-through gradients. Several penalties are trained at once, and the one whose number of active latents
comes nearest to the number asked for answers.
Departs from the paper in the bandwidth (.001 there, for billions of samples) and in that dead latents start anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench.models.dictionaries.engine import Autoencoder, Codes, Parameters, Rows
from bench.models.dictionaries.jump import Count, Jump
from bench.tracks.features.autoencoders import answer_with, fit, nearest_in_activity
from bench.tracks.features.types import Answer, Problem

REFERENCE = (
    "Rajamanoharan et al. (2024), Jumping ahead: improving reconstruction fidelity with JumpReLU sparse"
    " autoencoders, arXiv:2407.14435, section 3"
)
NEEDS = ("gradients",)
INVARIANT_TO = ("scale",)

PENALTIES = (0.01, 0.03, 0.08, 0.2, 0.4)


@dataclass(frozen=True)
class JumpReLU(Autoencoder):
    """Threshold and `bandwidth` are in units of activations of mean square length 1."""

    penalties: tuple[float, ...] = (0.1,)
    bandwidth: float = 0.1
    first_threshold: float = 0.1

    def start(self, directions: Float[Tensor, "models latents width"]) -> Parameters:
        p = super().start(directions)
        return p | {"log_threshold": torch.full_like(p["bias"], np.log(self.first_threshold))}

    def activate(self, p: Parameters, before: Codes) -> Codes:
        return Jump.apply(before, p["log_threshold"].exp(), self.bandwidth)

    def loss(self, p: Parameters, values: Rows) -> tuple[Float[Tensor, "models"], Codes]:
        before = self.before(p, values)
        codes = self.activate(p, before)
        count = Count.apply(before, p["log_threshold"].exp(), self.bandwidth).sum(2).mean(1)
        penalties = torch.tensor(self.penalties, dtype=values.dtype)
        return self.squared_error(p, values, codes) + penalties * count, codes


def solve(problem: Problem, rng: np.random.Generator, *, penalties: tuple[float, ...] = PENALTIES) -> Answer:
    trained = fit(problem, rng, JumpReLU(penalties=penalties), len(penalties))
    return answer_with(problem, trained, nearest_in_activity)
