"""Noise ceiling of the Natural Scenes Dataset.

Every repeat is standardised over its stimuli; the noise variance is the mean over stimuli of the variance over repeats,
the signal variance the total of 1 less that, at least 0. With their ratio s, the ceiling is s / (s + mean(1 / R_i)).
"""

from __future__ import annotations

import numpy as np

from bench.neuro.repeats import mean_squares
from bench.tracks.ceilings.types import Answer, Problem

REFERENCE = "Allen et al. (2022), Nature Neuroscience 25:116-126, Methods (noise ceiling estimation)"
NEEDS = ()
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    found = mean_squares(standardised(problem.responses, problem.present), problem.present, centred=False)
    signal = np.maximum(1 - found.noise, 0)
    return Answer(signal / (signal + found.noise * found.share), None, None)


def standardised(responses: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Each repeat with mean 0 and variance 1 over the stimuli that it has."""
    values = np.where(present[..., None], responses, np.nan)
    return (values - np.nanmean(values, axis=1, keepdims=True)) / np.nanstd(values, axis=1, ddof=1, keepdims=True)
