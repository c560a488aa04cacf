"""Loaders of the fMRI data sets that come prepared (`datasets/<id>`)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd

from bench.core import store
from bench.neuro.fmri.pipeline import Prepared, prepare
from bench.neuro.fmri.settings import Settings
from bench.neuro.fmri.trials import clean_recording
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


def read_studyforrest_localizer(folder: Path, settings: Settings) -> Prepared:
    """The raw run of the prepared data set through the whole pipeline."""
    return prepare(folder, "01", "oneback", settings)
