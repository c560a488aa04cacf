"""A recording without nuisance, and one estimate a trial from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd

from bench.core.contract import BadInput
from bench.neuro.fmri import glm
from bench.neuro.fmri.confounds import UNITS, nuisance, scaled
from bench.neuro.fmri.designs import RESPONSES, trial_design
from bench.neuro.fmri.settings import Settings
from bench.neuro.haemodynamics import frame_times
from bench.neuro.recording import Recording, Trials, check_recording, step


def clean_recording(recording: Recording, motion: pd.DataFrame, settings: Settings) -> tuple[Recording, Trials | None]:
    """A recording in scanner units without nuisance, in the asked unit, and its trials where they are asked for.

    `motion` has a row a volume in the order of the recording, with its `run`.
    """
    who, tr = f"subject {recording.subject}", 1 / recording.sampling_rate
    runs = [int(run) for run in np.unique(recording.runs)]
    tables = {run: motion[motion["run"] == run].reset_index(drop=True) for run in runs}
    regressors = {run: nuisance(table, tr, settings, f"{who}, run {run}") for run, table in tables.items()}
    parts = [
        scaled(recording.values[recording.runs == run], regressors[run].to_numpy(), settings.scale) for run in runs
    ]
    done = [step("regress out", run=run, regressors=list(regressors[run])) for run in runs]
    cleaned = dataclasses.replace(
        recording,
        values=np.concatenate(parts),
        unit=UNITS[settings.scale],
        provenance=[*recording.provenance, *done, step("scale", to=settings.scale)],
    )
    wanted = settings.single_trial != "none"
    return cleaned, estimate_trials(cleaned, regressors, settings) if wanted else None


def estimate_trials(recording: Recording, nuisance: Mapping[int, pd.DataFrame], settings: Settings) -> Trials:
    """Single-trial weights run by run, on a time axis of length 1; `nuisance` has the regressors of each run.

    The recording may be cleaned of the nuisance or not, with the same result (Frisch and Waugh 1933). Raises `BadInput`
    where trials of a run cannot be told apart.
    """
    runs = np.unique(recording.runs)
    events = [recording.events[recording.events["run"] == run] for run in runs]
    estimates = [
        _one_run(recording, int(run), rows, nuisance, settings) for run, rows in zip(runs, events, strict=True)
    ]
    table = pd.concat(events, ignore_index=True)
    trials = Trials(
        np.concatenate(estimates)[:, :, None],
        table["run"].to_numpy(int),
        recording.sites,
        table,
        recording.sampling_rate,
        0.0,
        recording.unit,
        recording.subject,
        recording.rank,
        [*recording.provenance, step("estimate trials", scheme=settings.single_trial, response=settings.response)],
    )
    check_recording(trials)
    return trials


def _one_run(
    recording: Recording, run: int, events: pd.DataFrame, nuisance: Mapping[int, pd.DataFrame], settings: Settings
) -> np.ndarray:
    values = recording.values[recording.runs == run]
    frames = frame_times(len(values), 1 / recording.sampling_rate, recording.time_reference)
    design = trial_design(events, frames, RESPONSES[settings.response])
    silent = np.flatnonzero(~design.any(axis=0))
    if len(silent):
        onset = events["onset"].iloc[silent[0]]
        raise BadInput(
            f"subject {recording.subject}, run {run}: nothing of the response to the event at {onset:g} s was recorded "
            "before the run ended; leave the event out"
        )
    try:
        return glm.SINGLE_TRIAL[settings.single_trial](design, nuisance[run].to_numpy(), values)
    except ValueError as error:
        raise BadInput(f"subject {recording.subject}, run {run}: {error}") from error
