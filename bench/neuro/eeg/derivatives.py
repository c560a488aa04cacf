"""A prepared subject as a BIDS derivative: what was done in sidecars, the arrays beside them in our own store.

Layout below `out`: `dataset_description.json` with `GeneratedBy`; for each subject the sidecar
`sub-01/eeg/sub-01_task-x_desc-clean_eeg.json`, and folders `..._desc-clean_recording` and `..._desc-clean_trials` that
`bench.core.store.read` reads. BIDS has no format for these, so that `.bidsignore` names them.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
from pathlib import Path
from typing import Any

from bench.core import store
from bench.core.records import write_json
from bench.neuro.eeg.pipeline import Prepared
from bench.neuro.recording import steps

BIDS_VERSION = "1.9.0"
IGNORED = "*_recording/\n*_trials/\n*_report.html\n"
LIBRARIES = ("mne", "mne-bids", "mne-icalabel", "numpy", "scipy")


def stem(prepared: Prepared) -> str:
    """`sub-01_ses-a_task-x`, without the session where there is none."""
    session = [f"ses-{prepared.session}"] if prepared.session else []
    return "_".join([f"sub-{prepared.recording.subject}", *session, f"task-{prepared.task}"])


def folder_of(prepared: Prepared, out: Path) -> Path:
    session = [f"ses-{prepared.session}"] if prepared.session else []
    return Path(out).joinpath(f"sub-{prepared.recording.subject}", *session, prepared.settings.datatype)


def write_derivatives(prepared: Prepared, out: Path) -> Path:
    """Write sidecars and arrays of one subject below `out`; the folder that now holds them."""
    folder, datatype = folder_of(prepared, out), prepared.settings.datatype
    folder.mkdir(parents=True, exist_ok=True)
    write_json(Path(out) / "dataset_description.json", description())
    (Path(out) / ".bidsignore").write_text(IGNORED)
    write_json(folder / f"{stem(prepared)}_desc-clean_{datatype}.json", sidecar(prepared))
    store.write(prepared.recording, folder / f"{stem(prepared)}_desc-clean_recording")
    store.write(prepared.trials, folder / f"{stem(prepared)}_desc-clean_trials")
    return folder


def description() -> dict[str, Any]:
    """`dataset_description.json` of a derivative, with the versions that made it."""
    made = [{"Name": "InterpBench", "Version": importlib.metadata.version("interpbench")}]
    made += [{"Name": name, "Version": importlib.metadata.version(name)} for name in LIBRARIES]
    return {
        "Name": "InterpBench: cleaned recordings",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": made,
    }


def sidecar(prepared: Prepared) -> dict[str, Any]:
    """What was done to one subject's recordings: BIDS keys where it has them, each step with its settings."""
    recording, bad = prepared.recording, prepared.cleaned.bad_channels
    eeg = {"EEGReference": ", ".join(prepared.settings.reference)} if prepared.settings.datatype == "eeg" else {}
    return eeg | {
        "Description": "Continuous data after cleaning; see Steps for what was done, in order",
        "Sources": [path.name for path in prepared.files],
        "TaskName": prepared.task,
        "SamplingFrequency": recording.sampling_rate,
        "Units": recording.unit,
        "Rank": recording.rank,
        "BadChannels": dict(zip(bad["name"], bad["reason"], strict=True)),
        "TrialsKept": len(prepared.trials.values),
        "TrialsRejected": int(prepared.rejection.bad.sum()),
        "Settings": dataclasses.asdict(prepared.settings),
        "Steps": steps(prepared.trials),
        "Notes": list(prepared.notes),
    }
