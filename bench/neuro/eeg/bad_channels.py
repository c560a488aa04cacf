"""Channels that do not record the head: too loud or too quiet, too much high frequency, or unlike every other.

All criteria compare channels of one recording with each other, so that units play no part. They are those of Bigdely-
Shamlo N et al. (2015), The PREP pipeline, Frontiers in Neuroinformatics 9:16 (deviation, high-frequency noise,
correlation), with our own limits (`bench.neuro.eeg.settings.REASONS`); the search among channels for a better
prediction (their RANSAC step) is left out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from bench.neuro.eeg.settings import Settings

WINDOW = 1.0  # s
HIGH = 50.0  # Hz: above it a scalp records muscle, mains and amplifier noise


def robust_deviation(values: Float[np.ndarray, "sites"]) -> Float[np.ndarray, "sites"]:
    """Distance from the median in standard deviations of a Gaussian with the same median absolute deviation."""
    away = values - np.median(values)
    spread = np.median(np.abs(away)) * 1.4826
    return np.divide(away, spread, out=np.where(away == 0, 0.0, np.copysign(np.inf, away)), where=spread > 0)


def deviant(amount: Float[np.ndarray, "sites"], settings: Settings) -> Bool[np.ndarray, "sites"]:
    """Sites whose log amount lies far out in robust deviations and also in ratio to the median site."""
    logarithm = np.log(amount)
    ratio = np.abs(logarithm - np.median(logarithm)) > np.log(settings.bad_ratio)
    return ratio & (np.abs(robust_deviation(logarithm)) > settings.bad_deviation)


def share_unlike(
    values: Float[np.ndarray, "time sites"], sampling_rate: float, least: float
) -> Float[np.ndarray, "sites"]:
    """Share of one-second windows in which no other site correlates by at least `least` in absolute value."""
    window = round(WINDOW * sampling_rate)
    cut = values[: len(values) // window * window].reshape(-1, window, values.shape[1])
    centred = cut - cut.mean(axis=1, keepdims=True)
    norm = np.sqrt(np.square(centred).sum(axis=1, keepdims=True))
    standard = np.divide(centred, norm, out=np.zeros_like(centred), where=norm > 0)
    alike = np.abs(standard.transpose(0, 2, 1) @ standard)
    alike[:, np.arange(values.shape[1]), np.arange(values.shape[1])] = 0
    return (alike.max(axis=2) < least).mean(axis=0)


def find_bad(
    values: Float[np.ndarray, "time sites"],
    names: list[str],
    sampling_rate: float,
    settings: Settings,
    shared_reference: bool = True,
) -> pd.DataFrame:
    """Bad channels with `name`, `reason` and `amount` (ratio to the median channel, or share of windows).

    `values` are without drifts and not yet re-referenced; the median over sites is taken off here, so that one bad
    channel does not spoil the others and a shared reference does not make all alike. Likeness is asked of those that
    pass the other two criteria, against a median of their own: mains in one channel would make all others alike.
    Neither is done for sensors without a shared reference (MEG), which may rightly be unlike each other.
    """
    centred = values - np.median(values, axis=1, keepdims=True) * shared_reference
    loud = np.subtract(*np.quantile(centred, [0.75, 0.25], axis=0))
    fast = high_to_low(centred, sampling_rate)
    found = [("amplitude", deviant(loud, settings), loud / np.median(loud))]
    found += [("high frequencies", deviant(fast, settings) & (fast > np.median(fast)), fast / np.median(fast))]
    rest = ~(found[0][1] | found[1][1]) & shared_reference
    unlike = np.zeros(len(names))
    passed = values[:, rest] - np.median(values[:, rest], axis=1, keepdims=True)
    unlike[rest] = share_unlike(passed, sampling_rate, settings.bad_correlation)
    found += [("unlike every other", unlike > settings.bad_windows, unlike)]
    rows = [(names[i], reason, float(amount[i])) for reason, bad, amount in found for i in np.flatnonzero(bad)]
    return pd.DataFrame(rows, columns=["name", "reason", "amount"]).drop_duplicates("name", ignore_index=True)


def high_to_low(values: Float[np.ndarray, "time sites"], sampling_rate: float) -> Float[np.ndarray, "sites"]:
    """Root of the power above `HIGH` (or half of the Nyquist frequency, where that is lower) over that below it."""
    power = np.square(np.abs(np.fft.rfft(values, axis=0)))
    above = np.fft.rfftfreq(len(values), 1 / sampling_rate) > min(HIGH, sampling_rate / 4)
    return np.sqrt(power[above].sum(axis=0) / power[~above].sum(axis=0))
