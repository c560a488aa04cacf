"""The masked voxels of all runs as a `Recording`, and the estimates of motion as a table."""

from pathlib import Path

import nibabel
import numpy as np
import pandas as pd

from bench.core import store
from bench.core.data import card_facts, demand
from bench.neuro.fmri.confounds import motion_table
from bench.neuro.fmri.motion import framewise_displacement
from bench.neuro.fmri.sites import voxel_table
from bench.neuro.recording import Recording, check_recording, step


def prepare(source: Path, out: Path) -> None:
    facts = card_facts(Path(__file__))
    image, mask = nibabel.load(source / "bold.nii.gz"), nibabel.load(source / "mask.nii.gz")
    demand("haxby2001: shape of the image", list(image.shape), [*facts["shape"], facts["runs"] * facts["volumes"]])
    demand("haxby2001: repetition time (s)", float(image.header["pixdim"][4]), facts["repetition_time"])
    inside = np.asarray(mask.dataobj) > 0
    demand("haxby2001: voxels of the mask", int(inside.sum()), facts["voxels"])
    runs = np.repeat(np.arange(1, facts["runs"] + 1), facts["volumes"])
    folders = [source / "haxby2001" / "sub001" / "BOLD" / f"task001_run{run:03d}" for run in np.unique(runs)]
    events = pd.concat([read_events(folder, run, facts) for run, folder in enumerate(folders, start=1)])
    demand("haxby2001: blocks of the volumes", blocks(source / "attributes_literal.txt", facts), as_blocks(events))
    recording = Recording(
        image.get_fdata()[inside].T,
        runs,
        voxel_table(inside, image.affine),
        events.reset_index(drop=True),
        1 / facts["repetition_time"],
        0.5,
        "a.u.",
        "1",
        None,
        [step("read half slice", file="bold.nii.gz", mask="mask.nii.gz")],
    )
    check_recording(recording)
    store.write(recording, out / "recording", "haxby2001")
    motion = [read_motion(folder / "bold_moest.txt", facts).assign(run=run) for run, folder in enumerate(folders, 1)]
    pd.concat(motion).to_csv(out / "motion.csv", index=False)


def read_events(folder: Path, run: int, facts: dict) -> pd.DataFrame:
    """One block of each kind, in s from the start of the run."""
    table = pd.read_csv(folder / "bold_events.tsv", sep="\t").assign(run=run)
    demand(f"haxby2001: kinds of run {run}", sorted(table["trial_type"]), facts["kinds"])
    demand(f"haxby2001: length of the blocks of run {run} (s)", table["duration"].unique().tolist(), [facts["block"]])
    return table


def read_motion(path: Path, facts: dict) -> pd.DataFrame:
    """Estimates of FSL: three rotations (rad), then three translations (mm)."""
    values = np.loadtxt(path)
    demand(f"haxby2001: shape of {path.parent.name}/{path.name}", values.shape, (facts["volumes"], 6))
    parameters = values[:, [3, 4, 5, 0, 1, 2]]
    return motion_table(parameters, framewise_displacement(parameters))


def blocks(path: Path, facts: dict) -> list[tuple[int, str, float]]:
    """Run, kind and onset (s) of each stretch of volumes with one label, by the second source of the same facts."""
    table = pd.read_csv(path, sep=" ", names=["kind", "chunk"])
    starts = (table["kind"] != table["kind"].shift()) & (table["kind"] != "rest")
    within = np.arange(len(table)) % facts["volumes"] * facts["repetition_time"]
    return [
        (int(table["chunk"][row]) + 1, str(table["kind"][row]), float(within[row])) for row in np.flatnonzero(starts)
    ]


def as_blocks(events: pd.DataFrame) -> list[tuple[int, str, float]]:
    return [(int(row.run), str(row.trial_type), float(row.onset)) for row in events.itertuples()]
