"""BatchTopK autoencoder: the largest codes of a whole batch stay, k an activation on average.

Minimises the squared error alone. Activations may use more or fewer latents, as they need; in use, codes above one
threshold stay, the mean over batches of the smallest code that stayed. Of several seeds the one with the smallest error
answers.
Departs from the paper in how dead latents come back: they start anew at badly explained activations instead of an
auxiliary loss.
"""

from __future__ import annotations

import numpy as np

from bench.models.dictionaries.batch_topk import BatchTopK
from bench.tracks.features.autoencoders import answer_with, fit, least_error
from bench.tracks.features.types import Answer, Problem

REFERENCE = "Bussmann et al. (2024), BatchTopK sparse autoencoders, arXiv:2412.06410, section 3"
NEEDS = ("gradients",)
INVARIANT_TO = ("scale",)


def solve(problem: Problem, rng: np.random.Generator, *, seeds: int = 3) -> Answer:
    return answer_with(problem, fit(problem, rng, BatchTopK(active=problem.active), seeds), least_error)
