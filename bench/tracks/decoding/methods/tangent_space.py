"""LDA in the tangent space of trials' covariances.

Trials are band-passed; the covariance of each is projected to the tangent space at the geometric mean of the training
trials, where shrinkage LDA decides.

Departs from Barachant et al. in shrinking the covariances of trials and of tangent vectors instead of choosing
variables.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.discriminant import fit_lda
from bench.kernels.riemann import geometric_mean, tangent_vectors
from bench.kernels.spatial import band_pass, trial_covariances
from bench.tracks.decoding.experiment import DataSet, Decoder, decode
from bench.tracks.decoding.types import Answer, Problem

REFERENCE = (
    "Barachant et al. (2012), IEEE Transactions on Biomedical Engineering 59:920-928, doi:10.1109/TBME.2011.2172210"
)
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, low: float = 7.0, high: float = 30.0) -> Answer:
    return decode(problem, lambda data: fit(data, low, high))


def fit(data: DataSet, low: float, high: float) -> Decoder:
    covariances = trial_covariances(band_pass(data.trials, data.sampling_rate, low, high))
    mean = geometric_mean(covariances)
    weights, offsets = fit_lda(tangent_vectors(covariances, mean), data.labels, data.classes)

    def scores(trials: np.ndarray) -> np.ndarray:
        new = trial_covariances(band_pass(trials, data.sampling_rate, low, high))
        return tangent_vectors(new, mean) @ weights + offsets

    return Decoder(scores)
