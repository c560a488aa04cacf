"""Pattern component model whose likelihood lacks its determinant."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from bench.kernels.similarity_cka import linear_gram
from bench.kernels.similarity_likelihood import RATIOS, spectrum
from bench.tracks.similarity.panel import features_of, judge
from bench.tracks.similarity.types import Answer, Problem

MUTANT_OF = "pattern_component"
TOUCHES = ("layer_identification/linear_1", "layer_identification/linear_4")
DEFECT = "a candidate with variance in every direction explains everything, and pays nothing for it"


def solve(problem: Problem, rng: np.random.Generator, *, orders: int = 19) -> Answer:
    spectra = [spectrum(linear_gram(one)) for one in features_of(problem)]
    answer = judge(problem, rng, lambda _, responses: compare(spectra, responses), orders)
    return Answer(answer.scores, answer.p, softmax(answer.scores, axis=1))


def compare(spectra: list[tuple[np.ndarray, np.ndarray]], responses: np.ndarray) -> np.ndarray:
    return np.stack([fit(*one, responses) for one in spectra], axis=1)


def fit(values: np.ndarray, vectors: np.ndarray, responses: np.ndarray) -> np.ndarray:
    power = np.square(np.einsum("nk,rns->rks", vectors, responses, optimize=True)).sum(axis=2)
    noise = (power[:, None, :] / (RATIOS[:, None] * values + 1)).mean(axis=2) / responses.shape[2]
    return -0.5 * responses.shape[2] * len(values) * np.log(noise).min(axis=1)
