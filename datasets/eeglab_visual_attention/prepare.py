"""The recording as a BIDS folder (BrainVision, float32), so that it goes the way of any laboratory's own data.

`square` is the stimulus that was attended to, `rt` the press of the button.
"""

import json
import warnings
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from bench.core.data import card_facts, demand

STEM = "sub-01_task-visattention"
HEADER = """Brain Vision Data Exchange Header File Version 1.0

[Common Infos]
Codepage=UTF-8
DataFile={stem}_eeg.eeg
MarkerFile={stem}_eeg.vmrk
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels={count}
SamplingInterval={interval}

[Binary Infos]
BinaryFormat=IEEE_FLOAT_32

[Channel Infos]
{channels}
"""
MARKERS = """Brain Vision Data Exchange Marker File, Version 1.0

[Common Infos]
Codepage=UTF-8
DataFile={stem}_eeg.eeg

[Marker Infos]
"""


def prepare(source: Path, out: Path) -> None:
    facts = card_facts(Path(__file__))
    raw = read(source, facts)
    folder = out / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    write_signal(raw, folder)
    write_tables(raw, folder)
    write_json(out / "dataset_description.json", {"Name": "EEGLAB visual attention", "BIDSVersion": "1.9.0"})
    write_table(out / "participants.tsv", pd.DataFrame({"participant_id": ["sub-01"]}))
    said = {
        "TaskName": "visattention",
        "PowerLineFrequency": facts["line_hz"],
        "SamplingFrequency": raw.info["sfreq"],
        "RecordingDuration": raw.n_times / raw.info["sfreq"],
        "RecordingType": "continuous",
        "EEGReference": "n/a",
        "SoftwareFilters": "n/a",
    }
    write_json(folder / f"{STEM}_eeg.json", said)


def read(source: Path, facts: dict) -> mne.io.BaseRaw:
    """The recording with ocular channels typed, held against the card."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*head dimensions.*|.*montage.*|.*[Ll]imited.*annotation.*")
        raw = mne.io.read_raw_eeglab(source / "eeglab_data.set", preload=True, verbose="error")
        raw.set_channel_types(dict.fromkeys(facts["eog"], "eog"), verbose="error")
    demand("eeglab_visual_attention: samples", raw.n_times, facts["samples"])
    demand("eeglab_visual_attention: EEG channels", raw.get_channel_types().count("eeg"), facts["eeg"])
    for kind in ("square", "rt"):
        demand(f"eeglab_visual_attention: {kind}", list(raw.annotations.description).count(kind), facts[kind])
    demand("eeglab_visual_attention: values are finite", bool(np.isfinite(raw.get_data()).all()), True)
    return raw


def write_signal(raw: mne.io.BaseRaw, folder: Path) -> None:
    """BrainVision: header, samples in microvolts, and a marker file without markers (the events file has them)."""
    channels = "\n".join(f"Ch{i}={name},,1,µV" for i, name in enumerate(raw.ch_names, 1))
    header = HEADER.format(stem=STEM, count=len(raw.ch_names), interval=1e6 / raw.info["sfreq"], channels=channels)
    (folder / f"{STEM}_eeg.vhdr").write_text(header, encoding="utf-8")
    (folder / f"{STEM}_eeg.vmrk").write_text(MARKERS.format(stem=STEM), encoding="utf-8")
    (folder / f"{STEM}_eeg.eeg").write_bytes((raw.get_data().T * 1e6).astype("<f4").tobytes())


def write_tables(raw: mne.io.BaseRaw, folder: Path) -> None:
    """Events, channels and electrodes (metres, in MNE's head frame of ears and nose: CapTrak of BIDS)."""
    events = pd.DataFrame({"onset": raw.annotations.onset, "duration": 0.0, "trial_type": raw.annotations.description})
    write_table(folder / f"{STEM}_events.tsv", events)
    channels = pd.DataFrame({"name": raw.ch_names, "type": [k.upper() for k in raw.get_channel_types()], "units": "µV"})
    write_table(folder / f"{STEM}_channels.tsv", channels.assign(status="good"))
    where = pd.DataFrame(np.array([ch["loc"][:3] for ch in raw.info["chs"]]), columns=["x", "y", "z"])
    where.insert(0, "name", raw.ch_names)
    write_table(folder / "sub-01_space-CapTrak_electrodes.tsv", where)
    frame = {"EEGCoordinateSystem": "CapTrak", "EEGCoordinateUnits": "m"}
    write_json(folder / "sub-01_space-CapTrak_coordsystem.json", frame)


def write_table(path: Path, table: pd.DataFrame) -> None:
    table.to_csv(path, sep="\t", index=False)


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
