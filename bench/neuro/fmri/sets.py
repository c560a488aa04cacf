"""Loaders of the fMRI data sets that come prepared (`datasets/<id>`)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from bench.core import store
from bench.neuro.fmri.confounds import nuisance
from bench.neuro.fmri.pipeline import UNITS, Prepared, prepare, scaled
from bench.neuro.fmri.settings import Settings
from bench.neuro.fmri.trials import estimate_trials
from bench.neuro.recording import Recording, Trials, step

LATE = 4.0
"""By how many s the published block onsets of haxby2001 come after the stimuli: responses of all kinds as one, which
tells nothing about which kind was shown, are best explained by onsets 4 s earlier (`docs/fmri.md`)."""


def read_haxby2001(folder: Path, settings: Settings, *, lead: float = LATE) -> tuple[Recording, Trials | None]:
    """The half slice, cleaned run by run with its own estimates of motion, and one estimate a block.

    `folder` is the prepared data set; published onsets are taken `lead` s earlier. Settings of images (mask, smoothing,
    sites) have no part in it.
    """
    recording, motion = store.read(Recording, folder / "recording"), pd.read_csv(folder / "motion.csv")
    events = recording.events.assign(onset=recording.events["onset"] - lead)
    done = [*recording.provenance, step("move onsets", earlier_by_s=lead)]
    return clean_recording(dataclasses.replace(recording, events=events, provenance=done), motion, settings)


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


def read_studyforrest_localizer(folder: Path, settings: Settings) -> Prepared:
    """The raw run of the prepared data set through the whole pipeline."""
    return prepare(folder, "01", "oneback", settings)
