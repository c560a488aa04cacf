"""What a person looks at before trusting a subject: images, motion, carpets, designs. Each is a matplotlib figure."""

from __future__ import annotations

import nibabel
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure

from bench.neuro.fmri.motion import PARAMETERS
from bench.neuro.fmri.pipeline import Prepared

SHOWN = 12  # slices of a mosaic
LIMIT = 0.5  # mm, the customary limit of framewise displacement
INK, ACCENT, GRID = "#1f2933", "#c2410c", "#d9dee4"
COLOURS = ("#0b7285", "#c2410c", "#6741d9")


def mosaic(prepared: Prepared, values: Float[np.ndarray, "x y z"], *, colours: str, unit: str, outline: bool) -> Figure:
    """Axial slices from below to above, right of the head at the right; `outline` draws the mask on them.

    The scale ends at the 2nd and 98th percentile inside the mask.
    """
    image, mask = (_upright(one, prepared.affine) for one in (values, prepared.mask.astype(float)))
    levels = np.flatnonzero(mask.any(axis=(0, 1)))
    chosen = levels[np.linspace(0, len(levels) - 1, min(SHOWN, len(levels))).astype(int)]
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    axes = figure.subplots(2, -(-len(chosen) // 2), squeeze=False).ravel()
    low, high = np.percentile(image[mask > 0], [2, 98])
    low = min(low, 0.0) if outline else low
    shown = None
    for axis, level in zip(axes, chosen, strict=False):
        shown = axis.imshow(image[:, :, level].T, origin="lower", cmap=colours, vmin=low, vmax=high)
        if outline:
            axis.contour(mask[:, :, level].T, levels=[0.5], colors=[ACCENT], linewidths=0.9)
    for axis in axes:
        axis.set_axis_off()
    if shown is not None:
        figure.colorbar(shown, ax=axes.tolist(), label=unit, shrink=0.8)
    return figure


def _upright(values: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """The array turned so that its axes run to the right, the front and the top, as nearly as the grid allows."""
    return np.asarray(nibabel.as_closest_canonical(nibabel.Nifti1Image(values.astype(np.float32), affine)).dataobj)


def draw_motion(motion: pd.DataFrame, tr: float) -> Figure:
    """Translations, rotations and framewise displacement in time, with a line where a run begins."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    axes = figure.subplots(3, 1, sharex=True)
    time = np.arange(len(motion)) * tr
    degrees = motion[list(PARAMETERS[3:])] * 180 / np.pi
    for axis, table, label in ((axes[0], motion[list(PARAMETERS[:3])], "shift (mm)"), (axes[1], degrees, "turn (deg)")):
        for name, colour in zip(table, COLOURS, strict=True):
            axis.plot(time, table[name], color=colour, linewidth=1, label=name[-1])
        axis.set_ylabel(label)
        axis.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 0.97), frameon=False, fontsize=8)
    axes[2].fill_between(time, motion["framewise_displacement"].fillna(0.0), color=INK, linewidth=0)
    axes[2].axhline(LIMIT, color=ACCENT, linewidth=1, linestyle="--")
    axes[2].set(ylabel="displacement\n(mm a volume)", xlabel="time (s), runs one after another", xlim=(0, time[-1]))
    for axis in axes:
        axis.grid(color=GRID, linewidth=0.5)
        axis.set_axisbelow(True)
        for start in np.flatnonzero(np.diff(motion["run"])) + 1:
            axis.axvline(time[start], color=INK, linewidth=0.8)
    return figure


def draw_carpet(prepared: Prepared) -> Figure:
    """Voxels (rows) in time (columns), percent of the mean: as aligned above, after the regression below."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    axes = figure.subplots(2, 1, sharex=True)
    joined = np.concatenate(prepared.carpets)
    seconds = len(joined) / prepared.recording.sampling_rate
    for stage, label in enumerate(("aligned", "after regression")):
        limit = max(float(np.percentile(np.abs(joined[..., stage]), 95)), 1e-6)
        shown = axes[stage].imshow(
            joined[..., stage].T, aspect="auto", cmap="gray", vmin=-limit, vmax=limit, extent=(0, seconds, 0, 1)
        )
        axes[stage].set(yticks=[], ylabel=f"voxels\n{label}")
        figure.colorbar(shown, ax=axes[stage], label="%")
    starts = np.cumsum([len(one) for one in prepared.carpets])[:-1] / prepared.recording.sampling_rate
    for axis in axes:
        for start in starts:
            axis.axvline(start, color=ACCENT, linewidth=1)
    axes[1].set_xlabel("time (s), runs one after another")
    return figure


def draw_design(design: pd.DataFrame, run: int) -> Figure:
    """Regressors of one run, each scaled to its own largest value."""
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    axis = figure.subplots()
    largest = design.abs().max()
    axis.imshow(design / largest.where(largest > 0, 1.0), aspect="auto", cmap="RdBu_r", vmin=-1, vmax=1)
    axis.set_xticks(range(design.shape[1]), list(design), rotation=90, fontsize=7)
    axis.set(ylabel=f"volume of run {run}")
    return figure
