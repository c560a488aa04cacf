"""When the slices of a volume were taken, and slices moved to one time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from bench.core.contract import BadInput

AXES = {"i": 0, "j": 1, "k": 2}
MIDDLE = 0.5


def slice_times(sidecar: Mapping[str, Any], slices: tuple[int, ...], tr: float, who: str) -> np.ndarray | None:
    """Seconds from the start of the volume per slice in the image's order, or None where the sidecar does not say.

    Raises `BadInput` where SliceTiming has another number of entries than the image has slices, or reaches beyond the
    repetition time `tr` (milliseconds, most often).
    """
    if "SliceTiming" not in sidecar:
        return None
    times, count = np.array(sidecar["SliceTiming"], float), slices[slice_axis(sidecar, who)]
    if times.shape != (count,):
        raise BadInput(f"{who}: SliceTiming has {times.size} entries for {count} slices; correct the sidecar")
    if not (0 <= times.min() <= times.max() < tr):
        raise BadInput(f"{who}: SliceTiming reaches {times.max():g} s in volumes of {tr:g} s; give it in seconds")
    return times[::-1] if str(sidecar.get("SliceEncodingDirection", "k")).endswith("-") else times


def slice_axis(sidecar: Mapping[str, Any], who: str) -> int:
    """The array axis along which slices lie: SliceEncodingDirection, by default the third."""
    direction = str(sidecar.get("SliceEncodingDirection", "k")).rstrip("-")
    if direction not in AXES:
        raise BadInput(f"{who}: SliceEncodingDirection is {direction!r}; it is i, j or k, or one of them with a minus")
    return AXES[direction]


def correct_slices(
    series: Float[np.ndarray, "x y z time"], times: Float[np.ndarray, "slices"], tr: float, reference: float, axis: int
) -> Float[np.ndarray, "x y z time"]:
    """Each slice as it was at the share `reference` of the volume, by a cubic spline in time through its samples.

    A spline, unlike a Fourier shift, does not join the end of a run to its beginning. Times before the first sample or
    after the last take that sample.
    """
    moved, frames = np.empty_like(series), np.arange(series.shape[3]) * tr
    for number, time in enumerate(times):
        place = (slice(None),) * axis + (number,)
        wanted = np.clip(frames + reference * tr, frames[0] + time, frames[-1] + time)
        moved[place] = CubicSpline(frames + time, series[place], axis=-1)(wanted)
    return moved


def time_reference(sidecar: Mapping[str, Any], tr: float, who: str) -> float:
    """The share of the repetition time at which samples of an image count as taken, from its sidecar.

    StartTime / tr where slices were corrected (fMRIPrep writes it); without StartTime its default, the middle. Slices
    that were not corrected have the mean of their SliceTiming, and the middle where that is not known either: samples
    then lie on both sides of it, where 0 (nilearn's default) would have all of them late by half a volume.
    """
    if sidecar.get("SliceTimingCorrected") and "StartTime" in sidecar:
        share = float(sidecar["StartTime"]) / tr
    elif "SliceTiming" in sidecar and not sidecar.get("SliceTimingCorrected"):
        share = float(np.mean(sidecar["SliceTiming"])) / tr
    else:
        share = MIDDLE
    if not 0 <= share <= 1:
        raise BadInput(f"{who}: StartTime and SliceTiming put samples at {share:g} of a volume; give them in seconds")
    return share
