"""TopK autoencoder: of each activation's codes the k largest stay.

Minimises the squared error alone; f = the k largest of relu((x - b) E + e), with k the number of active latents that is
asked for, to the nearest whole number. Of several seeds the one with the smallest error answers.
Departs from the paper in how dead latents come back: they start anew at badly explained activations instead of an
auxiliary loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from bench.models.dictionaries.engine import Autoencoder, Codes, Parameters
from bench.tracks.features.autoencoders import answer_with, fit, least_error
from bench.tracks.features.types import Answer, Problem

REFERENCE = "Gao et al. (2024), Scaling and evaluating sparse autoencoders, arXiv:2406.04093, section 2.3"
NEEDS = ("gradients",)
INVARIANT_TO = ("scale",)


@dataclass(frozen=True)
class TopKAutoencoder(Autoencoder):
    active: int = 1

    def activate(self, p: Parameters, before: Codes) -> Codes:
        largest, places = torch.relu(before).topk(min(self.active, before.shape[2]), dim=2)
        return torch.zeros_like(before).scatter(2, places, largest)


def solve(problem: Problem, rng: np.random.Generator, *, seeds: int = 3) -> Answer:
    kind = TopKAutoencoder(active=max(round(problem.active), 1))
    return answer_with(problem, fit(problem, rng, kind, seeds), least_error)
