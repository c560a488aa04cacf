"""Spike trains as counts in bins."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def bin_spikes(times: Float[np.ndarray, "spikes"], bins: int, width: float) -> Int[np.ndarray, "bins"]:
    """How many spikes fall into [i width, (i + 1) width), `times` and `width` in one unit.

    Raises `ValueError` where a spike lies outside the bins: it would be lost without a word.
    """
    index = np.floor(times / width).astype(np.int64)
    if len(index) and not 0 <= index.min() <= index.max() < bins:
        raise ValueError(f"spike times span {times.min()} to {times.max()}, the bins 0 to {bins * width}")
    return np.bincount(index, minlength=bins)


def bin_means(signal: Float[np.ndarray, "time"], per_bin: int) -> Float[np.ndarray, "bins"]:
    """Mean of each `per_bin` successive samples, in the signal's unit. Raises `ValueError` where some are left over."""
    if len(signal) % per_bin:
        raise ValueError(f"{len(signal)} samples are no whole number of bins of {per_bin}")
    return signal.reshape(-1, per_bin).mean(axis=1)
