"""Matryoshka autoencoder: BatchTopK whose first latents must do by themselves.

The squared error is summed over nested prefixes of the latents (the first quarter, the first half, all), so that
general features come first and are not absorbed by special ones that come later. Of several seeds the one with the
smallest error of all latents answers.
Departs from the paper in the number of prefixes (five there, of thousands of latents) and in how the dead come back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench.models.dictionaries.batch_topk import BatchTopK
from bench.models.dictionaries.engine import Codes, Parameters, Rows
from bench.tracks.features.autoencoders import answer_with, fit, least_error
from bench.tracks.features.types import Answer, Problem

REFERENCE = (
    "Bussmann et al. (2025), Learning multi-level features with Matryoshka sparse autoencoders, ICML,"
    " arXiv:2503.17547, equation 3"
)
NEEDS = ("gradients",)
INVARIANT_TO = ("scale",)


@dataclass(frozen=True)
class Matryoshka(BatchTopK):
    """`prefixes`: shares of the latents, the last of them all."""

    prefixes: tuple[float, ...] = (0.25, 0.5, 1.0)

    def loss(self, p: Parameters, values: Rows) -> tuple[Float[Tensor, "models"], Codes]:
        codes = self.activate(p, self.before(p, values))
        ends = [max(round(share * codes.shape[2]), 1) for share in self.prefixes]
        left, directions = values - p["centre"], self.directions(p)
        total = codes.new_zeros(len(codes))
        for start, end in zip([0, *ends], ends, strict=False):
            left = left - torch.bmm(codes[:, :, start:end], directions[:, start:end])
            total = total + left.square().sum(2).mean(1)
        return total, codes


def solve(problem: Problem, rng: np.random.Generator, *, seeds: int = 3) -> Answer:
    return answer_with(problem, fit(problem, rng, Matryoshka(active=problem.active), seeds), least_error)
