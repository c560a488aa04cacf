"""Pattern component model.

The likelihood of responses that are a random mixture of a candidate's units plus independent noise, with the best ratio
of the two; the probability of a candidate is its share of the likelihood. Uses repeats by their mean alone.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.special import softmax

from bench.kernels.similarity_cka import linear_gram
from bench.kernels.similarity_likelihood import component_log_likelihood, spectrum
from bench.tracks.similarity.panel import features_of, judge
from bench.tracks.similarity.types import Answer, Problem

REFERENCE = "Diedrichsen, Yokoi and Arbuckle (2018), Pattern component modeling, NeuroImage 180:119-133"
INVARIANT_TO = ("permutation", "rotation", "scale", "translation")


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 39) -> Answer:
    spectra = [spectrum(linear_gram(one)) for one in features_of(problem)]
    answer = judge(problem, rng, lambda _, responses: compare(spectra, responses), orders)
    return dataclasses.replace(answer, probability=softmax(answer.scores, axis=1))


def compare(spectra: list[tuple[np.ndarray, np.ndarray]], responses: np.ndarray) -> np.ndarray:
    likelihoods = [component_log_likelihood(*one, responses) for one in spectra]
    return np.stack([some.max(axis=1) - some[:, 0] for some in likelihoods], axis=1)  # nats above no signal
