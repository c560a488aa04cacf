"""The canonical form of brain data: what preprocessing hands over and every brain track reads.

Axes are named by the annotations, units are SI (`V`, `T`, `s`, `m`) or said (`z`, `percent`, `spikes/bin`, `a.u.`), and
nothing is implied: sampling rate, runs, events and what was done stand beside the values. Both forms are stored by
`bench.core.store`, so that they are arrays and JSON and no library is needed to read them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from bench.core.contract import BadInput

KINDS = ("eeg", "eog", "ecg", "emg", "mag", "grad", "ref", "voxel", "region", "vertex", "source", "neuron", "misc")


@dataclass(frozen=True)
class Recording:
    """Continuous data: runs one after another in time.

    `sampling_rate` in Hz (of a volume series: 1 / TR). `runs[t]` is the run of sample t; rows of one run are contiguous
    and cross-validation keeps a run together. `sites` has one row a column of `values`: `name`, `kind` (one of `KINDS`)
    and, where known, `x`, `y`, `z` in metres. `events` has the BIDS columns `onset` and `duration` (s from the first
    sample of the event's run), `trial_type`, and `run`. `time_reference` is where in its sampling interval a sample
    was taken, as a share (0 for instantaneous samples; the slice-time reference of a volume). `rank` is the number of
    independent directions that cleaning has left, or None where nothing removed any.
    """

    values: Float[np.ndarray, "time sites"]
    runs: Int[np.ndarray, "time"]
    sites: pd.DataFrame
    events: pd.DataFrame
    sampling_rate: float
    time_reference: float
    unit: str
    subject: str
    rank: int | None
    provenance: list[str]


@dataclass(frozen=True)
class Trials:
    """Data cut around events. `start` is the time of the first sample in s from the event; `events` has one row a
    trial, in the order of `values`; `runs[i]` is the run of trial i. The other fields are those of `Recording`."""

    values: Float[np.ndarray, "trials sites time"]
    runs: Int[np.ndarray, "trials"]
    sites: pd.DataFrame
    events: pd.DataFrame
    sampling_rate: float
    start: float
    unit: str
    subject: str
    rank: int | None
    provenance: list[str]


def step(name: str, **facts: Any) -> str:
    """One line of provenance: what was done with which settings, as JSON with sorted keys."""
    return json.dumps({"step": name, **facts}, sort_keys=True)


def steps(recording: Recording | Trials) -> list[Mapping[str, Any]]:
    """The provenance as dictionaries, in the order in which things were done."""
    return [json.loads(line) for line in recording.provenance]


def check_recording(recording: Recording | Trials) -> None:
    """Raise `BadInput` with subject, thing and remedy where tables and values disagree or values are not usable."""
    who, columns = f"subject {recording.subject}", recording.values.shape[1]
    if len(recording.sites) != columns:
        raise BadInput(f"{who}: {len(recording.sites)} rows in sites for {columns} columns of values; give each one")
    unknown = sorted(set(recording.sites["kind"]) - set(KINDS))
    if unknown:
        raise BadInput(f"{who}: sites are of kind {unknown[0]!r}; known are {', '.join(KINDS)}")
    if not recording.sampling_rate > 0:
        raise BadInput(f"{who}: sampling_rate is {recording.sampling_rate}; it must be above 0 Hz")
    bad = ~np.isfinite(recording.values).all(axis=(0,) if recording.values.ndim == 2 else (0, 2))
    if bad.any():
        name = recording.sites["name"].iloc[int(np.flatnonzero(bad)[0])]
        raise BadInput(f"{who}: {int(bad.sum())} sites hold NaN or infinite values, first {name}; mask or repair them")
    if isinstance(recording, Recording):
        _check_time(recording, who)
    elif len(recording.events) != len(recording.values):
        raise BadInput(f"{who}: {len(recording.events)} events for {len(recording.values)} trials; give one a trial")


def _check_time(recording: Recording, who: str) -> None:
    """Runs are contiguous and every event lies inside its run."""
    runs, starts = recording.runs, np.flatnonzero(np.diff(recording.runs, prepend=recording.runs[0] - 1))
    if len(starts) != len(np.unique(runs)):
        raise BadInput(f"{who}: run {runs[starts[-1]]} comes in pieces; order the samples by run")
    for row in recording.events.itertuples():
        length = np.count_nonzero(runs == row.run) / recording.sampling_rate
        if not 0 <= row.onset <= length:
            raise BadInput(
                f"{who}: an event of {row.trial_type!r} at {row.onset:g} s lies outside run {row.run} "
                f"of {length:g} s; correct the events file or trim the event"
            )
