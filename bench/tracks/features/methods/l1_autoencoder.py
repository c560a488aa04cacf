"""Sparse autoencoder with an L1 penalty on its codes.

Minimises the mean over activations of |x - x'|^2 + penalty * sum f with f = relu((x - b) E + e), x' = f D + b and rows
of D of length 1. Several penalties are trained at once, and the one whose number of active latents comes nearest to the
number asked for answers.
Departs from the paper in that the encoder is not tied to the decoder (as in Bricken et al. 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench.models.dictionaries.engine import Autoencoder, Codes, Parameters, Rows
from bench.tracks.features.autoencoders import answer_with, fit, nearest_in_activity
from bench.tracks.features.types import Answer, Problem

REFERENCE = (
    "Cunningham et al. (2023), Sparse autoencoders find highly interpretable features in language models,"
    " arXiv:2309.08600, section 2; Bricken et al. (2023), Towards monosemanticity, transformer-circuits.pub"
)
NEEDS = ("gradients",)
INVARIANT_TO = ("scale",)

PENALTIES = (0.05, 0.1, 0.2, 0.4, 0.8)


@dataclass(frozen=True)
class L1Autoencoder(Autoencoder):
    """`penalties[m]` of model m, for activations of mean square length 1."""

    penalties: tuple[float, ...] = (0.1,)

    def size(self, codes: Codes) -> Float[Tensor, "models"]:
        """What is penalised: the sum of a sample's codes, mean over samples."""
        return codes.sum(2).mean(1)

    def loss(self, p: Parameters, values: Rows) -> tuple[Float[Tensor, "models"], Codes]:
        error, codes = super().loss(p, values)
        return error + torch.tensor(self.penalties, dtype=error.dtype) * self.size(codes), codes


def solve(problem: Problem, rng: np.random.Generator, *, penalties: tuple[float, ...] = PENALTIES) -> Answer:
    trained = fit(problem, rng, L1Autoencoder(penalties=penalties), len(penalties))
    return answer_with(problem, trained, nearest_in_activity)
