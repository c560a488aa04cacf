"""Gated autoencoder: one path decides whether a latent is active, another how much.

    g = (x - b) E + e_g      f = H(g) relu(exp(r) ((x - b) E) + e_m)

Minimises the mean over activations of |x - f D - b|^2 + penalty * sum relu(g) + |x - relu(g) D* - b*|^2, where the star
marks a copy through which no gradient flows: what is penalised does not set the size of codes, so that they do not
shrink. Several penalties are trained at once; the one nearest to the number of active latents asked for answers.
Departs from the paper in that dead latents start anew by their error.
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
    "Rajamanoharan et al. (2024), Improving dictionary learning with gated sparse autoencoders,"
    " arXiv:2404.16014, equations 6 to 8"
)
NEEDS = ("gradients",)
INVARIANT_TO = ("scale",)

PENALTIES = (0.05, 0.1, 0.2, 0.4, 0.8)


@dataclass(frozen=True)
class Gated(Autoencoder):
    penalties: tuple[float, ...] = (0.1,)

    def start(self, directions: Float[Tensor, "models latents width"]) -> Parameters:
        p = super().start(directions)
        return p | {"log_size": torch.zeros_like(p["bias"]), "size_bias": torch.zeros_like(p["bias"])}

    def activate(self, p: Parameters, before: Codes) -> Codes:
        """`before` is the gate, g."""
        size = torch.relu(p["log_size"].exp() * (before - p["bias"]) + p["size_bias"])
        return (before > 0) * size

    def loss(self, p: Parameters, values: Rows) -> tuple[Float[Tensor, "models"], Codes]:
        before = self.before(p, values)
        codes, open_by = self.activate(p, before), torch.relu(before)
        fixed = {"decoder": p["decoder"].detach(), "centre": p["centre"].detach()}
        penalties = torch.tensor(self.penalties, dtype=values.dtype)
        by_gate = penalties * open_by.sum(2).mean(1) + self.squared_error(fixed, values, open_by)
        return self.squared_error(p, values, codes) + by_gate, codes


def solve(problem: Problem, rng: np.random.Generator, *, penalties: tuple[float, ...] = PENALTIES) -> Answer:
    trained = fit(problem, rng, Gated(penalties=penalties), len(penalties))
    return answer_with(problem, trained, nearest_in_activity)
