"""Small fMRI data sets with known truth, written as BIDS: raw, and in the layout of fMRIPrep.

Three subjects hear words and tones in 2, 3 and 2 runs of 48 volumes; participants.tsv names a fourth without a folder.
In two regions of a smooth head the signal follows one of the conditions, in percent of the mean, sampled when each
slice was taken; the head moves as `movement` says. `BREAKS` are faults to plant into a tree.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
from scipy import ndimage

from bench.core.contract import generator
from bench.neuro.fmri.confounds import expand_motion, motion_table
from bench.neuro.fmri.motion import framewise_displacement, grid_centre, to_matrix
from bench.neuro.haemodynamics import GLOVER, convolve_events

SHAPE, VOXEL, VOLUMES, TR = (12, 14, 10), 5.0, 48, 2.5
TASK, RUNS = "listen", {"01": (1, 2), "02": (1, 2, 3), "03": (1, 2)}
SLICE_TIMING = [number * TR / SHAPE[2] for number in range(SHAPE[2])]
CONDITIONS = ("tone", "word")
AMPLITUDE, NOISE = 3.0, 0.7  # percent of the mean at the top of a response of 2 s, and standard deviation
TOP = convolve_events(np.zeros(1), np.full(1, 2.0), np.ones((1, 1)), np.linspace(0, 15, 301), GLOVER).max()
AFFINE = np.array([[VOXEL, 0, 0, -27.5], [0, VOXEL, 0, -85.0], [0, 0, VOXEL, -25.0], [0, 0, 0, 1.0]])
SPACE = "space-MNI152NLin2009cAsym_"


@dataclass(frozen=True)
class Tree:
    """A written data set. `regions` marks the voxels that answer to each condition, on the still head."""

    root: Path
    brain: np.ndarray
    regions: dict[str, np.ndarray]

    def func(self, subject: str, *, derived: bool = False) -> Path:
        return self.root / ("derivatives/fmriprep" if derived else "") / f"sub-{subject}" / "func"

    def bold(self, subject: str, run: int) -> Path:
        return self.func(subject) / f"sub-{subject}_task-{TASK}_run-{run}_bold.nii.gz"

    def events(self, subject: str, run: int) -> Path:
        return self.func(subject) / f"sub-{subject}_task-{TASK}_run-{run}_events.tsv"

    def derivative(self, subject: str, run: int, ending: str) -> Path:
        space = "" if "confounds" in ending else SPACE
        return self.func(subject, derived=True) / f"sub-{subject}_task-{TASK}_run-{run}_{space}{ending}"

    def surface(self, subject: str, run: int, side: str, space: str = "fsaverage5") -> Path:
        name = f"sub-{subject}_task-{TASK}_run-{run}_hemi-{side}_space-{space}_bold.func.gii"
        return self.func(subject, derived=True) / name


def head() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """A smooth head (scanner units), its brain, and one region a condition: mirrored halves of its back."""
    x, y, z = (np.indices(SHAPE) - (np.array(SHAPE)[:, None, None, None] - 1) / 2) / np.array(SHAPE)[
        :, None, None, None
    ]
    radius = np.sqrt(np.square(x / 0.28) + np.square(y / 0.39) + np.square(z / 0.40))
    texture = ndimage.gaussian_filter(generator("head").standard_normal(SHAPE), 1.1)
    image = 150 * np.exp(2.5 * texture) / (1 + np.exp((radius - 1) / 0.07)) + 4
    brain = radius < 0.9
    places = {"tone": (4, 5, 5), "word": (7, 8, 4)}
    near = {
        kind: sum(np.square(np.indices(SHAPE)[axis] - place[axis]) for axis in range(3)) <= 2
        for kind, place in places.items()
    }
    return image, brain, near


def events_table(subject: str, run: int) -> pd.DataFrame:
    """Four events of 2 s of each condition, 10 to 14 s apart, in an order of their own in each run."""
    rng = generator("events", subject, run)
    kinds = rng.permutation(np.repeat(CONDITIONS, 4))
    onsets = 6.0 + np.cumsum(np.concatenate([[0.0], rng.uniform(10, 14, 7)]))
    return pd.DataFrame({"onset": onsets.round(3), "duration": 2.0, "trial_type": kinds})


def movement(subject: str, run: int) -> np.ndarray:
    """Six parameters (mm, rad) a volume: a smooth random path of about .5 mm and .01 rad, 0 in the middle of run 1.

    Six waves of similar length would be nearly one: what is left of each is then the error of its estimate.
    """
    path = ndimage.gaussian_filter1d(generator("movement", subject, run).standard_normal((VOLUMES, 6)), 1.5, axis=0)
    return [1, 1, 1, 0.02, 0.02, 0.02] * (path - (path[VOLUMES // 2] if run == 1 else 0.0))


def response(events: pd.DataFrame, frames: np.ndarray) -> np.ndarray:
    """Percent signal change at `frames` (s), one column a condition; an event alone has `AMPLITUDE` at its top."""
    onsets, durations = events["onset"].to_numpy(), events["duration"].to_numpy()
    shown = (events["trial_type"].to_numpy()[:, None] == np.array(CONDITIONS)).astype(float)
    return AMPLITUDE / TOP * convolve_events(onsets, durations, shown, frames, GLOVER)


def still_series(subject: str, run: int, slice_times: np.ndarray) -> np.ndarray:
    """Noise-free volumes of a head that does not move; slice k was taken `slice_times[k]` after its volume began."""
    image, _, regions = head()
    frames = slice_times[:, None] + np.arange(VOLUMES) * TR
    signal = response(events_table(subject, run), frames.ravel()).reshape(*frames.shape, len(CONDITIONS))
    shown = np.stack([regions[kind] for kind in CONDITIONS], axis=-1)
    change = np.einsum("xyzc,ztc->xyzt", shown, signal)
    return image[..., None] * (1 + change / 100)


def noisy(series: np.ndarray, subject: str, run: int) -> np.ndarray:
    scale = NOISE / 100 * series.mean(axis=3, keepdims=True)
    return np.rint(series + scale * generator("noise", subject, run).standard_normal(series.shape)).astype(np.int16)


def moved(volume: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """What the scanner sees of a head that moved: what lay at x lies at T x."""
    back = np.linalg.inv(AFFINE) @ np.linalg.inv(to_matrix(parameters, grid_centre(SHAPE, AFFINE))) @ AFFINE
    return ndimage.affine_transform(volume, back[:3, :3], back[:3, 3], order=3, mode="nearest")


def raw_tree(root: Path) -> Tree:
    """The raw data set: images, events, one sidecar for all of them at the root."""
    _write_json(root / "dataset_description.json", {"Name": "Generated", "BIDSVersion": "1.9.0", "License": "CC0"})
    sidecar = {"RepetitionTime": TR, "TaskName": TASK, "SliceTiming": SLICE_TIMING}
    _write_json(root / f"task-{TASK}_bold.json", sidecar)
    (root / "participants.tsv").write_text("participant_id\n" + "".join(f"sub-{name}\n" for name in (*RUNS, "04")))
    tree = Tree(root, *head()[1:])
    for subject, runs in RUNS.items():
        tree.func(subject).mkdir(parents=True)
        for run in runs:
            events_table(subject, run).to_csv(tree.events(subject, run), sep="\t", index=False)
            series = noisy(still_series(subject, run, np.array(SLICE_TIMING)), subject, run)
            path = movement(subject, run)
            write_image(tree.bold(subject, run), np.stack([moved(series[..., i], path[i]) for i in range(VOLUMES)], 3))
    return tree


def derived_tree(root: Path) -> Tree:
    """The raw data set's events and, below derivatives/fmriprep, images in MNI space with confounds and masks.

    There are no raw images: what reads this tree reads the derivative.
    """
    tree = Tree(root, *head()[1:])
    _write_json(root / "dataset_description.json", {"Name": "Generated", "BIDSVersion": "1.9.0", "License": "CC0"})
    made = {"Name": "fMRIPrep-like", "BIDSVersion": "1.9.0", "DatasetType": "derivative"}
    _write_json(root / "derivatives/fmriprep/dataset_description.json", {**made, "GeneratedBy": [{"Name": "fMRIPrep"}]})
    for subject, runs in RUNS.items():
        tree.func(subject).mkdir(parents=True)
        tree.func(subject, derived=True).mkdir(parents=True)
        for run in runs:
            events_table(subject, run).to_csv(tree.events(subject, run), sep="\t", index=False)
            _write_derivative(tree, subject, run)
    return tree


def _write_derivative(tree: Tree, subject: str, run: int) -> None:
    series = still_series(subject, run, np.full(SHAPE[2], TR / 2))
    write_image(tree.derivative(subject, run, "desc-preproc_bold.nii.gz"), noisy(series, subject, run))
    write_image(tree.derivative(subject, run, "desc-brain_mask.nii.gz"), tree.brain.astype(np.uint8))
    sidecar = {"RepetitionTime": TR, "TaskName": TASK, "SliceTimingCorrected": True, "StartTime": TR / 2}
    _write_json(tree.derivative(subject, run, "desc-preproc_bold.json"), sidecar)
    motion = motion_table(path := movement(subject, run), framewise_displacement(path))
    table = expand_motion(motion).assign(framewise_displacement=motion["framewise_displacement"])
    first = [name for name in table if "derivative1" in name or name == "framewise_displacement"]
    table.loc[0, first] = np.nan  # fMRIPrep knows no change before the first volume
    table.to_csv(tree.derivative(subject, run, "desc-confounds_timeseries.tsv"), sep="\t", index=False, na_rep="n/a")


def add_surfaces(tree: Tree, subject: str, vertices: int = 30, space: str = "fsaverage5") -> None:
    """Both hemispheres of every run: vertices 0 to 4 of the left answer to tones, those of the right to words, and
    vertex 5 of each is medial wall (NaN)."""
    image = head()[0]
    for run in RUNS[subject]:
        signal = response(events_table(subject, run), (np.arange(VOLUMES) + 0.5) * TR)
        for number, side in enumerate("LR"):
            noise = NOISE / 100 * generator("surface", subject, run, side).standard_normal((VOLUMES, vertices))
            values = image.max() * (1 + noise)
            values[:, :5] += image.max() * signal[:, [number]] / 100
            values[:, 5] = np.nan
            arrays = [nibabel.gifti.GiftiDataArray(row.astype(np.float32)) for row in values]
            nibabel.GiftiImage(darrays=arrays).to_filename(tree.surface(subject, run, side, space))


def write_image(path: Path, values: np.ndarray, tr: float = TR) -> None:
    """NIfTI with times in the header; without the time of writing, so that the same tree is the same bytes."""
    image = nibabel.Nifti1Image(values, AFFINE)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_zooms([VOXEL] * 3 + [tr] * (values.ndim - 3))
    path.write_bytes(gzip.compress(image.to_bytes(), mtime=0))


def _write_json(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def change_image(path: Path, change) -> None:
    """Write an image again with its values changed by a function."""
    image = nibabel.load(path)
    write_image(path, change(np.asarray(image.dataobj)), float(image.header["pixdim"][4]))


def empty_events(tree: Tree, subject: str = "02", run: int = 2) -> None:
    """An events file with a header and no row."""
    tree.events(subject, run).write_text("onset\tduration\ttrial_type\n")


def wrong_header(tree: Tree, subject: str = "03", run: int = 1) -> None:
    """A header whose repetition time is not the sidecar's."""
    write_image(tree.bold(subject, run), np.asarray(nibabel.load(tree.bold(subject, run)).dataobj), 2.0)


def cut_short(tree: Tree, subject: str = "01", run: int = 2) -> None:
    """An image whose file ends too early."""
    path = tree.bold(subject, run)
    path.write_bytes(path.read_bytes()[:20_000])


def late_events(tree: Tree, subject: str = "01", run: int = 1) -> None:
    """Events that go on after the run has ended."""
    table = events_table(subject, run)
    table.loc[7, "onset"] = 130.0
    table.to_csv(tree.events(subject, run), sep="\t", index=False)


BREAKS = {
    "empty_events": empty_events,
    "wrong_header": wrong_header,
    "cut_short": cut_short,
    "late_events": late_events,
}
