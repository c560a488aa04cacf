"""How methods train autoencoders on a problem, choose one of the stack, and answer with it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bench.models.dictionaries.engine import Autoencoder, Schedule, Trained, train
from bench.tracks.features.dictionary import dictionary_answer, standardised
from bench.tracks.features.types import Answer, Problem

RATE = 0.01  # of Adam, for activations of mean square length 1
SAMPLES_TO_CHOOSE_BY = 2000  # the last training activations, on which models of a stack are compared


def fit(problem: Problem, rng: np.random.Generator, kind: Autoencoder, models: int, rate: float = RATE) -> Trained:
    """A stack of `models` autoencoders, in float32, on the standardised activations."""
    values = torch.as_tensor(standardised(problem)[0], dtype=torch.float32)
    seeds = rng.integers(2**62, size=models).tolist()
    return train(kind, values, problem.latents, seeds, Schedule(problem.budget, rate=rate))


def nearest_in_activity(problem: Problem, trained: Trained, values: Tensor) -> int:
    """The model whose mean number of active latents is nearest, as a ratio, to what the problem asks for."""
    active = trained.active(values).clamp_min(1e-3)
    return int((active / problem.active).log().abs().argmin())


def least_error(problem: Problem, trained: Trained, values: Tensor) -> int:
    """The model with the smallest squared error."""
    return int(trained.lost(values).argmin())


def answer_with(problem: Problem, trained: Trained, choose: Callable[[Problem, Trained, Tensor], int]) -> Answer:
    """The dictionary and the codes of the chosen model."""
    values, test, _, _ = standardised(problem)
    model = choose(problem, trained, torch.as_tensor(values[-SAMPLES_TO_CHOOSE_BY:], dtype=torch.float32))
    codes = trained.codes(torch.as_tensor(test, dtype=torch.float32))[model].numpy()
    directions = trained.directions()[model].numpy().astype(np.float64)
    offset = trained.parameters["centre"][model, 0].numpy().astype(np.float64)
    return dictionary_answer(problem, directions, codes, offset=offset)
