"""Design matrices of events: canonical, with its derivative, finite impulse response, and one regressor a trial."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float

from bench.neuro.haemodynamics import GLOVER, SPM, DoubleGamma, convolve_events

RESPONSES = {"glover": GLOVER, "spm": SPM}


def condition_design(
    events: pd.DataFrame, frames: Float[np.ndarray, "time"], response: DoubleGamma, *, derivative: bool = False
) -> pd.DataFrame:
    """Predicted response at `frames` (s) of each `trial_type`, in order of name; with `derivative` also its change in
    time (1/s) as `<type>_derivative`: a positive weight on it says that the response came earlier."""
    kinds = sorted(events["trial_type"].unique())
    onsets, durations = (events[name].to_numpy(float) for name in ("onset", "duration"))
    shown = (events["trial_type"].to_numpy()[:, None] == np.array(kinds)).astype(float)
    table = pd.DataFrame(convolve_events(onsets, durations, shown, frames, response), columns=kinds)
    if derivative:
        change = convolve_derivative(onsets, durations, shown, frames, response)
        table = pd.concat([table, pd.DataFrame(change, columns=[f"{kind}_derivative" for kind in kinds])], axis=1)
    return table


def convolve_derivative(
    onsets: Float[np.ndarray, "events"],
    durations: Float[np.ndarray, "events"],
    amplitudes: Float[np.ndarray, "events features"],
    frames: Float[np.ndarray, "time"],
    response: DoubleGamma,
) -> Float[np.ndarray, "time features"]:
    """Derivative in time of `convolve_events`, in closed form.

    A lasting event has h(t - onset) - h(t - onset - duration); an impulse has h'(t - onset).
    """
    since = frames[:, None] - onsets
    impulse = durations == 0
    shape = np.empty_like(since)
    shape[:, impulse] = response.slope(since[:, impulse])
    lasting = since[:, ~impulse]
    shape[:, ~impulse] = response.density(lasting) - response.density(lasting - durations[~impulse])
    return shape @ amplitudes


def impulse_design(
    events: pd.DataFrame, frames: Float[np.ndarray, "time"], *, delays: int, width: float
) -> pd.DataFrame:
    """Finite impulse response: column `<type>_delay<k>` counts the events of a type that began between k and k + 1
    times `width` (s) before a frame. No shape is assumed; with one regressor a bin there are `delays` times as many."""
    columns = {}
    for kind, rows in events.groupby("trial_type", sort=True):
        since = (frames[:, None] - rows["onset"].to_numpy(float)) / width
        for delay in range(delays):
            columns[f"{kind}_delay{delay}"] = ((since >= delay) & (since < delay + 1)).sum(axis=1).astype(float)
    return pd.DataFrame(columns)


def trial_design(
    events: pd.DataFrame, frames: Float[np.ndarray, "time"], response: DoubleGamma
) -> Float[np.ndarray, "time trials"]:
    """Predicted response of every event on its own, in the order of the table."""
    onsets, durations = (events[name].to_numpy(float) for name in ("onset", "duration"))
    return convolve_events(onsets, durations, np.eye(len(events)), frames, response)
