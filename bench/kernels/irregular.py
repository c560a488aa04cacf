"""Values at irregular times (words, pictures) as a regular time course."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

LOBES = 3


def average_within(
    times: Float[np.ndarray, "events"],
    values: Float[np.ndarray, "events features"],
    frames: Float[np.ndarray, "time"],
    interval: float,
) -> Float[np.ndarray, "time features"]:
    """Mean of the values whose time lies within `interval` / 2 of a frame (s); 0 where none does.

    A time in the middle between two frames counts for the later one; times outside of all intervals count for none.
    """
    row = np.floor((times - frames[0]) / interval + 0.5).astype(int)
    inside = (row >= 0) & (row < len(frames))
    total, count = np.zeros((len(frames), values.shape[1])), np.zeros(len(frames))
    np.add.at(total, row[inside], values[inside])
    np.add.at(count, row[inside], 1)
    return total / np.maximum(count, 1)[:, None]


def lanczos(
    times: Float[np.ndarray, "events"],
    values: Float[np.ndarray, "events features"],
    frames: Float[np.ndarray, "time"],
    interval: float,
    lobes: int = LOBES,
) -> Float[np.ndarray, "time features"]:
    """Low-pass at half of the frames' rate: x(f) = sum_e v_e sinc(u) sinc(u / lobes), u = (f - t_e) / interval.

    |u| < `lobes`, else 0. Nothing is divided by the number of events, so that twice as many give twice as much: a
    constant value of 1 is an event rate. Duchon (1979), Journal of Applied Meteorology 18:1016-1022.
    """
    lags = (frames[:, None] - times) / interval
    weights = np.where(np.abs(lags) < lobes, np.sinc(lags) * np.sinc(lags / lobes), 0.0)
    return weights @ values
