"""Images and tables of a run as arrays, held against each other and against the sidecar before anything is computed."""

from __future__ import annotations

import zlib
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from bench.core.contract import BadInput
from bench.neuro.fmri.layout import Run

IN_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
SAME_TIME = 1e-3  # s: headers round to this
BROKEN = (nibabel.filebasedimages.ImageFileError, OSError, EOFError, ValueError, zlib.error)


def read_header(path: Path, who: str) -> nibabel.Nifti1Image:
    """An image whose data are not read yet. Raises `BadInput` where the file is no four-dimensional NIfTI."""
    image = load(path, who)
    if len(image.shape) != 4 or image.shape[3] < 2:
        raise BadInput(f"{who}: {path.name} has shape {image.shape}, not volumes in time; give a 4-D NIfTI")
    return image


def load(path: Path, who: str) -> nibabel.Nifti1Image:
    """An image whose data are not read yet. Raises `BadInput` where the file is missing or no NIfTI."""
    try:
        image = nibabel.load(path)
    except BROKEN as error:
        raise _corrupt(path, who, error) from error
    if not isinstance(image, nibabel.Nifti1Image):
        raise BadInput(f"{who}: {path.name} is a {type(image).__name__}; convert it to NIfTI")
    return image


def _corrupt(path: Path, who: str, error: Exception) -> BadInput:
    return BadInput(f"{who}: {path.name} cannot be read as NIfTI ({error}); copy or convert it again")


def read_values(image: nibabel.Nifti1Image, path: Path, who: str) -> Float[np.ndarray, "*grid"]:
    """The values in single precision, in scanner units. Raises `BadInput` where the file is cut short."""
    try:
        return image.get_fdata(dtype=np.float32, caching="unchanged")
    except BROKEN as error:
        raise _corrupt(path, who, error) from error


def read_mask(path: Path, shape: tuple[int, ...], who: str) -> Bool[np.ndarray, "x y z"]:
    """Voxels above 0 of a mask on the grid of the data. Raises `BadInput` where the grids differ or it is empty."""
    image = load(path, who)
    if image.shape != shape:
        raise BadInput(f"{who}: {path.name} has shape {image.shape}, its volumes {shape}; make the mask again")
    mask = read_values(image, path, who) > 0
    if not mask.any():
        raise BadInput(f"{who}: {path.name} marks no voxel; make the mask again")
    return mask


def repetition_time(run: Run, image: nibabel.Nifti1Image, who: str) -> float:
    """Seconds between volumes, by sidecar and header. Raises `BadInput` where they disagree or neither says it.

    A header without a unit of time or with a time of 0 says nothing. No value is preferred to another: the events'
    clock hangs on it.
    """
    header = image.header
    unit = IN_SECONDS.get(header.get_xyzt_units()[1])
    in_header = float(header["pixdim"][4]) * unit if unit else 0.0
    in_sidecar = _seconds(run, "RepetitionTime", who)
    if "VolumeTiming" in run.sidecar:
        raise BadInput(f"{who}: {run.bold.name} has VolumeTiming; volumes that are not evenly spaced are not treated")
    if in_header > 0 and in_sidecar > 0 and abs(in_header - in_sidecar) > SAME_TIME:
        raise BadInput(
            f"{who}: {run.bold.name} has a repetition time of {in_header:g} s in its header and {in_sidecar:g} s "
            "in its sidecar; correct the one that is wrong"
        )
    if not max(in_header, in_sidecar) > 0:
        raise BadInput(f"{who}: {run.bold.name} has no repetition time; write RepetitionTime (s) into its sidecar")
    return in_sidecar if in_sidecar > 0 else in_header


def _seconds(run: Run, key: str, who: str) -> float:
    """A number of the sidecar, 0 where it is not there."""
    value = run.sidecar.get(key, 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"{who}: {key} of {run.bold.name} is {value!r} in its sidecar; give a number of seconds")
    return float(value)


def read_events(run: Run, duration: float, who: str) -> pd.DataFrame:
    """The run's events with onset and duration in s from its first volume, ordered by onset.

    A file without `trial_type` has one type, `event`. Raises `BadInput` where the file is missing, empty, lacks a
    column, holds what is no number, or has events outside the run of `duration` s.
    """
    if run.events is None:
        raise BadInput(f"{who}: {run.bold.name} has no events file; add one, or set `events` to false")
    table = _read_table(run.events, who)
    for column in ("onset", "duration"):
        if column not in table:
            raise BadInput(f"{who}: {run.events.name} has no column {column}; add it (s)")
        table[column] = pd.to_numeric(table[column], errors="coerce")
    _check_events(table, run, duration, who)
    table["trial_type"] = table["trial_type"].astype(str) if "trial_type" in table else "event"
    return table.sort_values("onset", kind="stable", ignore_index=True)


def no_events() -> pd.DataFrame:
    """The table of a run without events."""
    return pd.DataFrame({"onset": np.zeros(0), "duration": np.zeros(0), "trial_type": np.zeros(0, str)})


def _check_events(table: pd.DataFrame, run: Run, duration: float, who: str) -> None:
    name = run.events.name if run.events else ""
    if table.empty:
        raise BadInput(f"{who}: {name} holds no event; fill it, leave the run out, or set `events` to false")
    unknown = table[["onset", "duration"]].isna().any(axis=1) | (table["duration"] < 0)
    if unknown.any():
        raise BadInput(f"{who}: {name} has no number of seconds in row {int(unknown.idxmax()) + 2}; correct the row")
    unnamed = table["trial_type"].isna() if "trial_type" in table else unknown
    if unnamed.any():
        raise BadInput(f"{who}: {name} has no trial_type in row {int(unnamed.idxmax()) + 2}; name it or leave it out")
    outside = (table["onset"] < 0) | (table["onset"] > duration)
    if outside.any():
        onset = table["onset"][outside].iloc[0]
        raise BadInput(
            f"{who}: {name} has an event at {onset:g} s, but {run.bold.name} lasts {duration:g} s; "
            "give the run its own events file, in seconds from its first volume"
        )


def _read_table(path: Path, who: str) -> pd.DataFrame:
    unknown = ["n/a", "", "nan", "NaN"]  # and not pandas' own list: "null" and "None" are names of conditions
    try:
        return pd.read_csv(path, sep="\t", na_values=unknown, keep_default_na=False)
    except pd.errors.EmptyDataError as error:
        raise BadInput(f"{who}: {path.name} is empty; fill it, leave the run out, or set `events` to false") from error
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise BadInput(f"{who}: {path.name} is no table of tab-separated values ({error}); correct it") from error


def read_confounds(run: Run, volumes: int, who: str) -> pd.DataFrame:
    """Confounds of a derivative, one row a volume. Raises `BadInput` where the rows are not as many as the volumes."""
    assert run.confounds is not None
    table = _read_table(run.confounds, who)
    if len(table) != volumes:
        raise BadInput(
            f"{who}: {run.confounds.name} has {len(table)} rows for {volumes} volumes of {run.bold.name}; "
            "derive the run again"
        )
    return table


def check_finite(series: Float[np.ndarray, "time sites"], run: Run, who: str) -> None:
    """Raise `BadInput` where voxels inside the mask hold NaN or infinite values."""
    bad = ~np.isfinite(series).all(axis=0)
    if bad.any():
        raise BadInput(
            f"{who}: {run.bold.name} has NaN or infinite values in {int(bad.sum())} of {len(bad)} voxels of the mask; "
            "mask them out or make the image again"
        )
