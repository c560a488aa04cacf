"""Common spatial patterns with LDA on log power.

Trials are band-passed; for each class the spatial filters are taken whose output has most (and, of two classes, least)
of its variance in that class; shrinkage LDA decides from the logarithm of each filter's power. The pattern is that of
the filter which separates best. Four classes are each held against the rest.

Departs from Blankertz et al. in that covariances of trials are shrunk.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.discriminant import fit_lda
from bench.kernels.spatial import band_pass, common_spatial_patterns, filter_patterns, trial_covariances
from bench.tracks.decoding.experiment import DataSet, Decoder, decode
from bench.tracks.decoding.types import Answer, Problem

REFERENCE = "Blankertz et al. (2008), IEEE Signal Processing Magazine 25:41-56, doi:10.1109/MSP.2008.4408441"
INVARIANT_TO = ("scale",)
DETERMINISTIC = True


def solve(
    problem: Problem, rng: np.random.Generator, *, pairs: int = 2, low: float = 7.0, high: float = 30.0
) -> Answer:
    return decode(problem, lambda data: fit(data, pairs, low, high))


def fit(data: DataSet, pairs: int, low: float, high: float) -> Decoder:
    def covariances_of(trials: np.ndarray) -> np.ndarray:
        return trial_covariances(band_pass(trials, data.sampling_rate, low, high))

    covariances = covariances_of(data.trials)
    filters, ratios = common_spatial_patterns(covariances, data.labels, data.classes, pairs)
    weights, offsets = fit_lda(log_power(covariances, filters), data.labels, data.classes)
    patterns = filter_patterns(filters, covariances.mean(axis=0))
    return Decoder(
        lambda trials: log_power(covariances_of(trials), filters) @ weights + offsets,
        pattern=patterns[:, np.abs(np.log(ratios)).argmax()] if data.classes == 2 else None,
    )


def log_power(covariances: np.ndarray, filters: np.ndarray) -> np.ndarray:
    return np.log(np.einsum("ncd,cf,df->nf", covariances, filters, filters, optimize=True))
