"""xDAWN filters, covariances with the mean responses, and LDA in their tangent space.

For each class the xDAWN filters enhance its mean response; a trial, filtered, is stacked on the filtered mean responses
and the covariance of the stack, which holds how the trial follows each response, is projected to the tangent space at
the geometric mean. Shrinkage LDA decides there.

Departs from Barachant and Congedo in LDA where they take distances.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.discriminant import fit_lda, shrunk_covariance
from bench.kernels.riemann import geometric_mean, tangent_vectors
from bench.kernels.spatial import xdawn_filters
from bench.tracks.decoding.experiment import DataSet, Decoder, decode
from bench.tracks.decoding.types import Answer, Problem

REFERENCE = (
    "Barachant and Congedo (2014), A plug & play P300 BCI using information geometry, arXiv:1409.0107; xDAWN: Rivet et "
    "al. (2009), IEEE Transactions on Biomedical Engineering 56:2035-2043"
)
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(problem: Problem, rng: np.random.Generator, *, filters: int = 4) -> Answer:
    return decode(problem, lambda data: fit(data, filters))


def fit(data: DataSet, count: int) -> Decoder:
    found = [xdawn_filters(data.trials, data.labels, label, count) for label in range(data.classes)]
    filters = np.concatenate([spatial for spatial, _ in found], axis=1)
    responses = np.concatenate([spatial.T @ response for spatial, response in found])
    covariances = stacked_covariances(data.trials, filters, responses)
    mean = geometric_mean(covariances)
    weights, offsets = fit_lda(tangent_vectors(covariances, mean), data.labels, data.classes)
    return Decoder(
        lambda trials: tangent_vectors(stacked_covariances(trials, filters, responses), mean) @ weights + offsets
    )


def stacked_covariances(trials: np.ndarray, filters: np.ndarray, responses: np.ndarray) -> np.ndarray:
    """Shrunk covariances of each filtered trial below the filtered mean responses."""
    filtered = np.einsum("cf,nct->nft", filters, trials, optimize=True)
    whole = np.concatenate([np.broadcast_to(responses, (len(trials), *responses.shape)), filtered], axis=1)
    return shrunk_covariance(whole.swapaxes(1, 2))
