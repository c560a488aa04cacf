"""A prepared subject as a BIDS derivative: images, tables and arrays, each with a sidecar of where it is from."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from bench.core import store
from bench.neuro.fmri.pipeline import Prepared
from bench.neuro.fmri.report import write_report
from bench.neuro.recording import steps

BIDS = "1.9.0"


def write_derivatives(prepared: Prepared, out: Path) -> list[Path]:
    """Write everything below `out`, a derivative data set, and return the files and folders that were written.

    `_desc-clean_timeseries` and `_desc-trials_betas` are folders that `bench.core.store` reads as `Recording` and
    `Trials`. Sidecars follow BIDS derivatives: `Sources` are BIDS URIs into the data set `raw`.
    """
    stem = _stem(prepared)
    folder = out / "/".join(part for part in stem.split("_") if part.startswith(("sub-", "ses-"))) / "func"
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(out / "dataset_description.json", description())
    made = [_image(prepared, folder / f"{stem}_{name}.nii.gz", values) for name, values in _images(prepared).items()]
    made += [_array(one, folder / f"{stem}_{name}") for name, one in _arrays(prepared).items()]
    table = folder / f"{stem}_desc-confounds_timeseries.tsv"
    prepared.motion.to_csv(table, sep="\t", index=False, na_rep="n/a")
    made.append(table)
    for path in made:
        _write_json(sidecar_of(path), sidecar(prepared))
    report = out / f"sub-{prepared.recording.subject}_task-{prepared.task}.html"
    write_report(prepared, report)
    return [*made, report]


def description() -> dict[str, Any]:
    """dataset_description.json of what we write."""
    version = importlib.metadata.version("interpbench")
    made = [{"Name": "InterpBench", "Version": version}]
    return {"Name": "InterpBench fMRI", "BIDSVersion": BIDS, "DatasetType": "derivative", "GeneratedBy": made}


def sidecar(prepared: Prepared) -> dict[str, Any]:
    """Provenance of every file of a subject: sources, timing, all steps in order, all settings."""
    recording = prepared.recording
    tr = 1 / recording.sampling_rate
    corrected = any(one["step"] == "correct slices" or one.get("slices_corrected") for one in steps(recording))
    return {
        "Sources": [f"bids:raw:{name}" for name in prepared.sources],
        "RepetitionTime": tr,
        "StartTime": recording.time_reference * tr,
        "SliceTimingCorrected": corrected,
        "Units": recording.unit,
        "SpatialReference": prepared.space,
        "Steps": list(steps(prepared.trials or recording)),
        "Settings": dataclasses.asdict(prepared.settings),
    }


def sidecar_of(path: Path) -> Path:
    """Where the sidecar of a file or folder stands: beside it, with .json for all its extensions."""
    return path.with_name(path.name.split(".")[0] + ".json")


def _stem(prepared: Prepared) -> str:
    session = f"_ses-{prepared.session}" if prepared.session else ""
    return f"sub-{prepared.recording.subject}{session}_task-{prepared.task}"


def _images(prepared: Prepared) -> dict[str, np.ndarray]:
    return {
        "boldref": prepared.mean,
        "desc-brain_mask": prepared.mask.astype(np.uint8),
        "stat-tsnr_boldmap": prepared.tsnr,
    }


def _arrays(prepared: Prepared) -> dict[str, Any]:
    arrays = {"desc-clean_timeseries": prepared.recording, "desc-trials_betas": prepared.trials}
    return {name: one for name, one in arrays.items() if one is not None}


def _image(prepared: Prepared, path: Path, values: np.ndarray) -> Path:
    values = values if values.dtype == np.uint8 else values.astype(np.float32)
    nibabel.Nifti1Image(values, prepared.affine).to_filename(path)
    return path


def _array(one: Any, path: Path) -> Path:
    store.write(one, path, str(path))
    return path


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
