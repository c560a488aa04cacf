"""Minimum distance to the Riemannian mean.

Trials are band-passed; a trial belongs to the class whose geometric mean lies nearest to its covariance in the
affine-invariant metric. Scores are minus half the squared distances, over the training trials' mean squared distance
to their own class a dimension, as for Gaussians of equal spread.

Departs from Barachant et al. in shrinking the covariances of trials.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.riemann import distance, geometric_mean
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
    def squares(trials: np.ndarray) -> np.ndarray:
        covariances = trial_covariances(band_pass(trials, data.sampling_rate, low, high))
        return np.stack([distance(covariances, mean) ** 2 for mean in means], axis=1)

    covariances = trial_covariances(band_pass(data.trials, data.sampling_rate, low, high))
    means = [geometric_mean(covariances[data.labels == label]) for label in range(data.classes)]
    own = squares(data.trials)[np.arange(len(data.labels)), data.labels].mean()
    channels = data.trials.shape[1]
    return Decoder(lambda trials: -0.5 * squares(trials) * (channels * (channels + 1) / 2) / own)
