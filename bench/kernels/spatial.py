"""Filters across sensors from pairs of covariances: common spatial patterns, xDAWN, and trials' covariances."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.signal import butter, sosfiltfilt

from bench.kernels.discriminant import shrunk_covariance

Trials = Float[np.ndarray, "trials channels time"]
RANK = 1e-9  # directions with less than this share of the largest variance are rounding: a reference took them


def band_pass(trials: Trials, sampling_rate: float, low: float, high: float) -> Trials:
    """Second-order Butterworth filter, forward and backward so that nothing is delayed. `high` is held below .9 of half
    the sampling rate."""
    limits = (low, min(high, 0.45 * sampling_rate))
    padding = min(trials.shape[2] - 1, int(sampling_rate / low))
    return sosfiltfilt(butter(2, limits, "bandpass", fs=sampling_rate, output="sos"), trials, padlen=padding)


def trial_covariances(trials: Trials) -> Float[np.ndarray, "trials channels channels"]:
    """Shrunk covariance across channels of each trial, about the trial's mean over time."""
    samples = trials.swapaxes(1, 2)
    return shrunk_covariance(samples - samples.mean(axis=1, keepdims=True))


def shared_diagonal(
    first: Float[np.ndarray, "channels channels"], second: Float[np.ndarray, "channels channels"]
) -> tuple[Float[np.ndarray, "channels k"], Float[np.ndarray, "k"]]:
    """Filters W and ratios l, ascending, with W' second W = 1 and W' first W = diag(l), in the range of `second`."""
    size, across = np.linalg.eigh(second)
    kept = size > RANK * size[-1]
    whitening = across[:, kept] / np.sqrt(size[kept])
    ratios, turned = np.linalg.eigh(whitening.T @ first @ whitening)
    return whitening @ turned, ratios


def common_spatial_patterns(
    covariances: Float[np.ndarray, "trials channels channels"],
    labels: Int[np.ndarray, "trials"],
    classes: int,
    pairs: int,
) -> tuple[Float[np.ndarray, "channels filters"], Float[np.ndarray, "filters"]]:
    """For each class against the mean of all, the filters with most and with least of their variance in it; and that
    share relative to the mean (Blankertz et al. 2008, IEEE Signal Processing Magazine 25:41-56, eq. 2).

    In two classes the two contrasts are the same one, and its 2 `pairs` extreme filters are returned; in more, the
    `pairs` of largest variance of each class against the rest.
    """
    means = np.stack([covariances[labels == label].mean(axis=0) for label in range(classes)])
    found = [shared_diagonal(means[label], means.mean(axis=0)) for label in range(classes)]
    if classes == 2:
        filters, ratios = found[1]
        ends = np.unique(
            np.append(np.arange(min(pairs, len(ratios))), np.arange(max(len(ratios) - pairs, 0), len(ratios)))
        )
        return filters[:, ends], ratios[ends]
    return np.concatenate([w[:, -pairs:] for w, _ in found], axis=1), np.concatenate([r[-pairs:] for _, r in found])


def filter_patterns(
    filters: Float[np.ndarray, "channels filters"], covariance: Float[np.ndarray, "channels channels"]
) -> Float[np.ndarray, "channels filters"]:
    """cov W (W' cov W)^-1: how what each filter reads out appears on the sensors (Haufe et al. 2014, eq. 6)."""
    spread = covariance @ filters
    return spread @ np.linalg.pinv(filters.T @ spread)


def xdawn_filters(
    trials: Trials, labels: Int[np.ndarray, "trials"], label: int, count: int
) -> tuple[Float[np.ndarray, "channels count"], Float[np.ndarray, "channels time"]]:
    """Filters whose output has the largest share of a class's mean response in its variance, and that response.

    Departs from Rivet et al. (2009, IEEE Transactions on Biomedical Engineering 56:2035-2043) as pyRiemann does: the
    response is the plain mean, since trials do not overlap.
    """
    response = trials[labels == label].mean(axis=0)
    everything = np.moveaxis(trials, 1, 0).reshape(trials.shape[1], -1)
    evoked, whole = (part @ part.T / part.shape[1] for part in (response, everything))
    filters, _ = shared_diagonal(evoked, whole)
    return filters[:, ::-1][:, :count], response
