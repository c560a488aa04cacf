"""Spectral deconvolution: cross-spectra over spectra, frequency by frequency.

K(f) = (Sxx(f) + s m I)^-1 Sxy(f), spectra summed over groups that are padded with zeros by the length of the window, m
the mean of the features' spectra (features in units of their standard deviation); its inverse transform is cut to the
window. One strength s for all targets and frequencies, of least squared error when whole groups are held out.
"""

from __future__ import annotations

import numpy as np

from bench.kernels.lags import STRENGTHS, centre_groups
from bench.kernels.regression import Standardisation, group_folds
from bench.tracks.temporal_response.estimation import FOLDS, moments_of, respond, shape, spreads, windows_of
from bench.tracks.temporal_response.types import Answer, Problem

REFERENCE = "Theunissen et al. (2001), Network: Computation in Neural Systems 12:289-316"
INVARIANT_TO = ("scale",)


def spectra(problem: Problem) -> tuple[np.ndarray, np.ndarray, int]:
    """Sxx (folds, frequencies, features, features), Sxy (folds, frequencies, features, targets), padded length."""
    x = centre_groups(problem.stimuli, problem.groups) / spreads(problem)
    y = centre_groups(problem.responses, problem.groups)
    starts = np.flatnonzero(np.diff(problem.groups, prepend=problem.groups[:1] - 1))
    lengths = np.diff(np.append(starts, len(x)))
    size = int(lengths.max() + np.abs(problem.lags).max() + len(problem.lags))
    auto, cross = [], []
    for held in group_folds(problem.groups, FOLDS):
        spans = [slice(a, a + n) for a, n in zip(starts, lengths, strict=True) if held[0] <= a <= held[-1]]
        fx = np.stack([np.fft.rfft(x[span], size, axis=0) for span in spans])
        fy = np.stack([np.fft.rfft(y[span], size, axis=0) for span in spans])
        auto.append(np.einsum("gfi,gfj->fij", fx.conj(), fx))
        cross.append(np.einsum("gfi,gft->fit", fx.conj(), fy))
    return np.stack(auto), np.stack(cross), size


def divide(auto: np.ndarray, cross: np.ndarray, size: int, lags: np.ndarray, strength: float) -> np.ndarray:
    """Kernels (features * lags, targets) of one strength."""
    features = auto.shape[1]
    level = strength * np.trace(auto, axis1=1, axis2=2).real.mean() / features
    kernel = np.fft.irfft(np.linalg.solve(auto + level * np.eye(features), cross), size, axis=0)
    return kernel[lags].transpose(1, 0, 2).reshape(-1, cross.shape[2])


def fit(problem: Problem) -> np.ndarray:
    auto, cross, size = spectra(problem)
    moments = moments_of(windows_of(problem))
    unit = 1 / np.repeat(spreads(problem), len(problem.lags))[:, None]
    loud = Standardisation.of(problem.responses).scale
    errors = []
    for strength in STRENGTHS:
        found = 0.0
        for fold in range(len(auto)):
            kept = auto.sum(axis=0) - auto[fold], cross.sum(axis=0) - cross[fold]
            kernels = unit * divide(*kept, size, problem.lags, strength)
            found += (moments.error(fold, kernels) / loud**2).sum()
        errors.append(found)
    best = STRENGTHS[int(np.argmin(errors))]
    return shape(problem, unit * divide(auto.sum(axis=0), cross.sum(axis=0), size, problem.lags, best))


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    return respond(problem, fit, rng)
