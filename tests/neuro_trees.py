"""A small EEG study in BIDS as a laboratory has it: uneven runs, a session that was missed, an empty events file.

| subject | day1 | day2 |
|---|---|---|
| 01 | two runs | one run |
| 02 | one run | missing |
| 03 | one run, its events file without a row | missing |

Each run has twelve scalp channels and an ocular one at 125 Hz for 36 s (16-bit BrainVision, 0.7 MB in all): pink
sources at fixed places, blinks, 50 Hz mains, white sensor noise, and after each `target` (not after a `standard`) a
parietal response of known shape and size. What is planted is in the constants and functions below, in V and s.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import mne
import mne_bids
import numpy as np
import pandas as pd
import pybv

from bench.core.contract import generator

EEG = ("Fp1", "Fp2", "F3", "Fz", "F4", "C3", "Cz", "C4", "P3", "Pz", "P4", "Oz")
RATE, SECONDS, LINE_HZ, TASK = 125.0, 36.0, 50.0, "oddball"
RECORDINGS = (("01", "day1", "1"), ("01", "day1", "2"), ("01", "day2", "1"), ("02", "day1", "1"), ("03", "day1", "1"))
EMPTY = ("03", "day1", "1")
PEAK, WIDTH, RESPONSE = 0.35, 0.06, 20e-6  # s, s, V at the site of the source
BLINK, SOURCE, MAINS, SENSOR = 120e-6, 8e-6, 3e-6, 1e-6  # V
RESOLUTION = 1e-7  # V in one step of the file


def positions() -> np.ndarray:
    """Places of the scalp channels, (sites, 3), as unit vectors from the centre of the montage's head."""
    known = mne.channels.make_standard_montage("colin27_1020").get_positions()["ch_pos"]
    where = np.array([known[name] for name in EEG]) - np.mean(list(known.values()), axis=0)
    return where / np.linalg.norm(where, axis=1, keepdims=True)


def topography(site: np.ndarray, width: float = 0.6) -> np.ndarray:
    """What a source below a place gives in each channel: 1 there, falling off over `width` (radians)."""
    angle = np.arccos(np.clip(positions() @ (site / np.linalg.norm(site)), -1, 1))
    return np.exp(-0.5 * (angle / width) ** 2)


def onsets(rng: np.random.Generator) -> pd.DataFrame:
    """An event about every 1.2 s, a third of them targets, in random order."""
    onset = np.round((np.arange(1.0, SECONDS - 1.5, 1.2) + rng.uniform(0, 0.15, 28)) * RATE) / RATE
    kinds = rng.permutation(["target"] * 10 + ["standard"] * (len(onset) - 10))
    return pd.DataFrame({"onset": onset, "duration": 0.1, "trial_type": kinds})


def pink(rng: np.random.Generator, count: int, samples: int) -> np.ndarray:
    """(count, samples) noise whose power falls with frequency above 0.5 Hz, of unit variance."""
    hz = np.fft.rfftfreq(samples, 1 / RATE)
    shape = np.where(hz > 0, 1 / np.sqrt(np.maximum(hz, 0.5)), 0)
    white = rng.normal(size=(count, len(hz))) + 1j * rng.normal(size=(count, len(hz)))
    made = np.fft.irfft(white * shape, samples)
    return made / made.std(axis=1, keepdims=True)


def bumps(times: np.ndarray, centres: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-0.5 * ((times - np.asarray(centres)[:, None]) / width) ** 2).sum(axis=0)


def parts(events: pd.DataFrame, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What the brain gives and what does not come from it, each (channels, samples) in V; the last channel is ocular.

    No brain source lies below the two frontopolar sites.
    """
    times = np.arange(round(SECONDS * RATE)) / RATE
    places = positions()
    brain = sum(
        np.outer(topography(place), SOURCE * source)
        for place, source in zip(places[2:], pink(rng, len(places) - 2, len(times)), strict=True)
    )
    targets = events.loc[events["trial_type"] == "target", "onset"].to_numpy()
    evoked = np.outer(topography(places[EEG.index("Pz")]), RESPONSE * bumps(times, targets + PEAK, WIDTH))
    blink = bumps(times, np.sort(rng.uniform(1, SECONDS - 1, 12)), 0.08)
    eyes = topography(places[0] + places[1] + np.array([0, 0.6, -0.3]))
    mains = MAINS * np.sin(2 * np.pi * LINE_HZ * times + rng.uniform(0, 2 * np.pi))
    noise = mains + SENSOR * rng.normal(size=(len(EEG) + 1, len(times)))
    return np.vstack([brain + evoked, 0 * times]), BLINK * np.outer([*eyes, 2.0], blink) + noise


def signal(events: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """(channels, samples) in V as recorded: `parts` together."""
    return np.sum(parts(events, rng), axis=0)


def write_eeg_tree(root: Path, recordings: tuple[tuple[str, str, str], ...] = RECORDINGS) -> Path:
    """Write the study, or some recordings of it, below `root`. The same each time but for dates of libraries."""
    for recording in recordings:
        rng = generator("eeg tree", *recording)
        events = onsets(rng)
        write_eeg_run(root, recording, signal(events, rng), events)
        if recording == EMPTY:
            path = bids_path(root, recording).update(suffix="events", extension=".tsv").fpath
            path.write_text(path.read_text().splitlines()[0] + "\n")
    return root


def bids_path(root: Path, recording: tuple[str, str, str]) -> mne_bids.BIDSPath:
    subject, session, run = recording
    return mne_bids.BIDSPath(
        subject=subject, session=session, task=TASK, run=run, datatype="eeg", suffix="eeg", root=root
    )


def write_eeg_run(root: Path, recording: tuple[str, str, str], values: np.ndarray, events: pd.DataFrame) -> None:
    """One recording (channels x samples, V) as 16-bit BrainVision with all its sidecars."""
    build, names = root / "sourcedata", [*EEG, "EOG"]
    pybv.write_brainvision(
        data=values, sfreq=RATE, ch_names=names, fname_base="run", folder_out=build, resolution=RESOLUTION * 1e6,
        unit="µV", fmt="binary_int16", overwrite=True,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = mne.io.read_raw_brainvision(build / "run.vhdr", verbose="error")
        raw.set_channel_types({"EOG": "eog"})
        raw.set_montage("colin27_1020", verbose="error")
        raw.info["line_freq"] = LINE_HZ
        kinds = {"standard": 1, "target": 2}
        table = np.array([[round(e.onset * RATE), 0, kinds[e.trial_type]] for e in events.itertuples()])
        mne_bids.write_raw_bids(
            raw, bids_path(root, recording), events=table, event_id=kinds, overwrite=True, verbose="error"
        )
    for path in build.iterdir():
        path.unlink()
    build.rmdir()
