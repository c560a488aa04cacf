"""From files to one run's series in a mask: derived volumes are read, raw ones are aligned first."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import nibabel
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from bench.core.contract import BadInput
from bench.neuro.fmri import motion, slice_timing, volumes
from bench.neuro.fmri.confounds import motion_table
from bench.neuro.fmri.layout import Run, entities
from bench.neuro.fmri.settings import Settings
from bench.neuro.recording import step


@dataclass(frozen=True)
class Series:
    """One run inside the subject's mask, in scanner units, before anything is regressed out. `seen` marks voxels that
    were in view in all of its volumes; `time_reference` is a share of the repetition time `tr` (s)."""

    run: Run
    values: Float[np.ndarray, "time voxels"]
    mean: Float[np.ndarray, "x y z"]
    seen: Bool[np.ndarray, "x y z"]
    motion: pd.DataFrame
    tr: float
    time_reference: float
    steps: list[str]


@dataclass(frozen=True)
class Subject:
    """All runs of a subject on one grid. `space` is that of the derivative, or `native`."""

    runs: list[Series]
    mask: Bool[np.ndarray, "x y z"]
    affine: Float[np.ndarray, "4 4"]
    space: str


def read_derived(runs: list[Run], settings: Settings, who: str) -> Subject:
    """Runs as fMRIPrep left them, in the voxels that all their brain masks share.

    Raises `BadInput` where grids differ between runs, and whatever `volumes` refuses.
    """
    images = [volumes.read_header(run.bold, who) for run in runs]
    for run, image in zip(runs, images, strict=True):
        if image.shape[:3] != images[0].shape[:3] or not np.allclose(image.affine, images[0].affine, atol=1e-3):
            raise BadInput(
                f"{who}: {run.bold.name} has another grid than {runs[0].bold.name}; derive its runs together"
            )
    masks = [volumes.read_mask(run.mask, images[0].shape[:3], who) for run in runs if run.mask]
    mask = np.logical_and.reduce(masks)
    if not mask.any():
        raise BadInput(f"{who}: the brain masks of its runs share no voxel; derive its runs together")
    found = [_derived(run, image, mask, settings, who) for run, image in zip(runs, images, strict=True)]
    return Subject(found, mask, images[0].affine, entities(runs[0].bold).get("space", "native"))


def _derived(run: Run, image: nibabel.Nifti1Image, mask: np.ndarray, settings: Settings, who: str) -> Series:
    tr = volumes.repetition_time(run, image, who)
    series = volumes.read_values(image, run.bold, who)
    table = volumes.read_confounds(run, image.shape[3], who)
    if "framewise_displacement" not in table:
        raise BadInput(f"{who}: {run.confounds and run.confounds.name} lacks framewise_displacement; derive it again")
    reference = slice_timing.time_reference(run.sidecar, tr, who)
    steps = [
        step(
            "read derivative",
            run=run.number,
            bold=run.bold.name,
            time_reference=reference,
            slices_corrected=bool(run.sidecar.get("SliceTimingCorrected")),
        )
    ]
    values = _masked(series, image.affine, mask, settings, run, who)
    return Series(run, values, np.nan_to_num(series.mean(axis=3)), mask, table, tr, reference, steps)


def _masked(
    series: np.ndarray, affine: np.ndarray, mask: np.ndarray, settings: Settings, run: Run, who: str
) -> Float[np.ndarray, "time voxels"]:
    """The mask's voxels, smoothed in space where the settings say so."""
    volumes.check_finite(series[mask].T, run, who)
    if settings.smoothing > 0:
        moved = np.moveaxis(np.nan_to_num(series), 3, 0)
        return np.stack([motion.smoothed(volume, affine, settings.smoothing)[mask] for volume in moved])
    return np.ascontiguousarray(series[mask].T)


def read_raw(runs: list[Run], settings: Settings, who: str) -> Subject:
    """Runs aligned to the middle volume of the first, in a mask of the first run's mean.

    Raises `BadInput` for whatever `volumes` and `slice_timing` refuse.
    """
    first = volumes.read_header(runs[0].bold, who)
    middle = first.shape[3] // 2
    reference = volumes.read_values(first, runs[0].bold, who)[..., middle]
    found: list[Series] = []
    mask = None
    for run in runs:
        aligned = _align(run, reference, first.affine, settings, who)
        mean = aligned.volumes.mean(axis=3)
        mask = brain_mask(mean, first.affine, settings, run, who) if mask is None else mask
        values = _masked(aligned.volumes, first.affine, mask, settings, run, who)
        found.append(
            Series(run, values, mean, aligned.seen, aligned.motion, aligned.tr, aligned.time_reference, aligned.steps)
        )
    assert mask is not None
    return Subject(found, mask, first.affine, "native")


@dataclass(frozen=True)
class _Aligned:
    volumes: Float[np.ndarray, "x y z time"]
    seen: Bool[np.ndarray, "x y z"]
    motion: pd.DataFrame
    tr: float
    time_reference: float
    steps: list[str]


def _align(run: Run, reference: np.ndarray, grid_affine: np.ndarray, settings: Settings, who: str) -> _Aligned:
    """One raw run on the reference's grid.

    Motion is estimated on volumes as they were taken, since interpolation in time mixes positions; then slices are
    brought to one time, and each volume is interpolated once in space: the order of fMRIPrep.
    """
    image = volumes.read_header(run.bold, who)
    tr = volumes.repetition_time(run, image, who)
    series = volumes.read_values(image, run.bold, who)
    volumes.check_finite(series.reshape(-1, series.shape[3]).T, run, who)
    movements = _movements(series, image.affine, reference, grid_affine, settings)
    series, time_reference, steps = _at_one_time(run, series, tr, settings, who)
    series, seen = _moved_back(series, image.affine, movements, reference.shape, grid_affine)
    centre = motion.grid_centre(reference.shape, grid_affine)
    parameters = np.stack([motion.to_parameters(movement, centre) for movement in movements])
    table = motion_table(parameters, motion.framewise_displacement(parameters, settings.head_radius))
    facts = {"method": settings.motion, "estimated_at_full_width_mm": settings.motion_smoothing}
    moved = step("correct motion", run=run.number, **facts) if settings.motion != "none" else step("leave motion")
    return _Aligned(series, seen, table, tr, time_reference, [*steps, moved])


def _movements(
    series: np.ndarray, affine: np.ndarray, reference: np.ndarray, grid_affine: np.ndarray, settings: Settings
) -> Float[np.ndarray, "time 4 4"]:
    if settings.motion == "none":
        return np.broadcast_to(np.eye(4), (series.shape[3], 4, 4))
    return motion.estimate_movements(
        series, affine, reference, grid_affine, method=settings.motion, smoothing=settings.motion_smoothing
    )


def _at_one_time(
    run: Run, series: np.ndarray, tr: float, settings: Settings, who: str
) -> tuple[Float[np.ndarray, "x y z time"], float, list[str]]:
    """The series with its slices at one time where that can be done, the share of the volume it is, and a step."""
    times = slice_timing.slice_times(run.sidecar, series.shape[:3], tr, who)
    if run.sidecar.get("SliceTimingCorrected") or times is None or settings.slice_timing == "none":
        share = slice_timing.time_reference(run.sidecar, tr, who)
        why = "no SliceTiming" if times is None else "not asked for"
        return series, share, [step("leave slices", run=run.number, why=why, time_reference=share)]
    axis, share = slice_timing.slice_axis(run.sidecar, who), slice_timing.MIDDLE
    corrected = slice_timing.correct_slices(series, times, tr, share, axis)
    return corrected, share, [step("correct slices", run=run.number, method="cubic spline", time_reference=share)]


def _moved_back(
    series: np.ndarray, affine: np.ndarray, movements: np.ndarray, grid: tuple[int, ...], grid_affine: np.ndarray
) -> tuple[Float[np.ndarray, "x y z time"], Bool[np.ndarray, "x y z"]]:
    """Every volume on the reference grid, and the voxels that all of them had in view. Volumes that did not move on a
    grid that is the reference's are left as they are: to interpolate them would smooth them."""
    if np.allclose(movements, np.eye(4)) and series.shape[:3] == grid and np.allclose(affine, grid_affine):
        return series, np.ones(grid, bool)
    back = np.empty((*grid, series.shape[3]), np.float32)
    seen = np.ones(grid, bool)
    for number, movement in enumerate(movements):
        back[..., number] = motion.resampled(series[..., number], affine, movement, grid, grid_affine)
        seen &= motion.in_view(series.shape, affine, movement, grid, grid_affine)
    return back, seen


def brain_mask(
    mean: Float[np.ndarray, "x y z"], affine: Float[np.ndarray, "4 4"], settings: Settings, run: Run, who: str
) -> Bool[np.ndarray, "x y z"]:
    """The brain by the valley of the histogram of a mean image (nilearn's `compute_epi_mask`), its largest piece.

    Cut-offs are nilearn's, written out: between the .2 and .85 quantile.
    """
    from nilearn.exceptions import MaskWarning
    from nilearn.masking import compute_epi_mask

    image = nibabel.Nifti1Image(mean.astype(np.float32), affine)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MaskWarning)  # an empty mask is refused below
        mask = compute_epi_mask(
            image, lower_cutoff=0.2, upper_cutoff=0.85, connected=True, opening=settings.mask_opening, verbose=0
        ).get_fdata()
    if not mask.any():
        raise BadInput(
            f"{who}: no brain is found in the mean of {run.bold.name}; look at it, or set `mask_opening` to 0"
        )
    return mask > 0
