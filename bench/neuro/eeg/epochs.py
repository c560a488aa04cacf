"""Trials around events, their baselines, thresholds learnt from them, and the covariance before the event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from sklearn.covariance import ledoit_wolf

from bench.core.contract import BadInput
from bench.kernels.peak_to_peak import bad_trials, deal, learn_thresholds, peak_to_peak
from bench.neuro.eeg.settings import Settings


@dataclass(frozen=True)
class Rejection:
    """What was learnt of the trials: the threshold of each site and the amplitude of each trial in it, in the unit of
    the data, and which trials go."""

    threshold: Float[np.ndarray, "sites"]
    amplitude: Float[np.ndarray, "trials sites"]
    bad: Bool[np.ndarray, "trials"]


def trial_times(settings: Settings, sampling_rate: float) -> Int[np.ndarray, "time"]:
    """Samples of a trial, counted from the one nearest to its event."""
    return np.arange(round(settings.start * sampling_rate), round(settings.stop * sampling_rate) + 1)


def cut(
    values: Float[np.ndarray, "time sites"],
    runs: Int[np.ndarray, "time"],
    events: pd.DataFrame,
    sampling_rate: float,
    settings: Settings,
) -> tuple[Float[np.ndarray, "trials sites samples"], pd.DataFrame]:
    """Trials of the chosen conditions with their baseline taken off, and their events.

    Trials that would reach over the edge of their run are left out. Raises `BadInput` for an unknown condition or
    where no trial is left.
    """
    chosen = events[events["trial_type"].isin(settings.conditions)] if settings.conditions else events
    missing = sorted(set(settings.conditions) - set(events["trial_type"]))
    if missing:
        known = ", ".join(sorted(set(events["trial_type"])))
        raise BadInput(f"eeg setting conditions: {missing[0]!r} is not in the events file; known are {known}")
    first = {run: int(np.argmax(runs == run)) for run in np.unique(runs)}
    length = {run: int((runs == run).sum()) for run in first}
    offsets = trial_times(settings, sampling_rate)
    centre = np.round(chosen["onset"].to_numpy() * sampling_rate).astype(int)
    run = chosen["run"].to_numpy()
    inside = (centre + offsets[0] >= 0) & (centre + offsets[-1] < np.array([length[r] for r in run]))
    if not inside.any():
        raise BadInput(
            f"no event has {settings.start:g} to {settings.stop:g} s of recording around it; correct the onsets, or "
            "shorten start and stop"
        )
    rows = (centre + np.array([first[r] for r in run]))[inside, None] + offsets
    trials = values[rows].transpose(0, 2, 1)
    return take_baseline(trials, offsets / sampling_rate, settings.baseline), chosen[inside].reset_index(drop=True)


def take_baseline(
    trials: Float[np.ndarray, "trials sites time"], times: Float[np.ndarray, "time"], baseline: tuple | None
) -> Float[np.ndarray, "trials sites time"]:
    """Trials without their mean over the baseline (s, both ends included; half a sample of slack for rounding)."""
    if baseline is None:
        return trials
    slack = (times[1] - times[0]) / 2
    within = (times > baseline[0] - slack) & (times < baseline[1] + slack)
    return trials - trials[..., within].mean(axis=-1, keepdims=True)


def learn_rejection(
    trials: Float[np.ndarray, "trials sites time"], settings: Settings, rng: np.random.Generator
) -> Rejection:
    """Thresholds by cross-validation (`bench.kernels.peak_to_peak`); infinite ones where rejection is `none`.

    Raises `BadInput` where there are fewer than two trials a fold.
    """
    amplitude = peak_to_peak(trials)
    if settings.rejection == "none":
        nothing = np.full(trials.shape[1], np.inf)
        return Rejection(nothing, amplitude, np.zeros(len(trials), bool))
    if len(trials) < 2 * settings.folds:
        raise BadInput(
            f"eeg setting rejection: {len(trials)} trials are too few to learn thresholds in {settings.folds} folds; "
            f"give {2 * settings.folds} trials or more, or set rejection to 'none'"
        )
    threshold = learn_thresholds(trials, deal(len(trials), settings.folds, rng))
    return Rejection(threshold, amplitude, bad_trials(amplitude, threshold, settings.consensus))


def noise_covariance(
    trials: Float[np.ndarray, "trials sites time"], times: Float[np.ndarray, "time"]
) -> Float[np.ndarray, "sites sites"] | None:
    """Covariance (squared unit of the data) over all samples before the event, shrunk after Ledoit and Wolf 2004.

    Samples are neighbours in time and so fewer than they seem: the shrinkage is a lower bound. None where no sample
    lies before the event.
    """
    before = times < 0
    if before.sum() < 2:
        return None
    rows = trials[..., before].transpose(0, 2, 1).reshape(-1, trials.shape[1])
    scale = float(np.sqrt(np.square(rows).mean()))  # the estimator squares squares: 1e-48 for volts
    return ledoit_wolf(rows / scale)[0] * scale**2
