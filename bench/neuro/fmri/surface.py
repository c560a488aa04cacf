"""Vertices of both hemispheres from fMRIPrep's surface output, as a recording like that of voxels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.parsers.expat import ExpatError

import nibabel
import numpy as np
import pandas as pd
from jaxtyping import Float

from bench.core.catalogue import pick
from bench.core.contract import BadInput
from bench.neuro.fmri import slice_timing, volumes
from bench.neuro.fmri.layout import Run, entities, find_runs, read_sidecar
from bench.neuro.fmri.settings import Settings, check_settings
from bench.neuro.fmri.trials import clean_recording
from bench.neuro.recording import Recording, Trials, check_recording, step

ENDING, SIDES = "_bold.func.gii", ("L", "R")
MESHES = {10242: "fsaverage5"}  # vertices of a hemisphere whose places nilearn's wheel holds


@dataclass(frozen=True)
class _Surfaces:
    run: Run
    values: Float[np.ndarray, "time vertices"]
    sizes: tuple[int, int]
    tr: float
    time_reference: float
    motion: pd.DataFrame
    events: pd.DataFrame


def prepare_surface(
    root: Path, subject: str, task: str, settings: Settings, space: str, session: str | None = None
) -> tuple[Recording, Trials | None]:
    """Vertices in `space` (such as `fsaverage5`) that vary in every run, left hemisphere first.

    Confounds and events are those of the volumes, and so are the settings, but for mask, smoothing and sites: the
    projection has chosen and smoothed. Raises `BadInput` where a hemisphere is missing, cannot be read, or differs.
    """
    check_settings(settings)
    who, root = f"subject {subject}", Path(root)
    runs = find_runs(root, subject, task, settings, session)
    if not runs[0].derived:
        raise BadInput(f"{who}: there are no derivatives of task {task}; surfaces are made by fMRIPrep")
    found = [_read_run(root / settings.derivatives, run, space, settings, who) for run in runs]
    _check_alike(found, who)
    alive = np.logical_and.reduce([(one.values.std(axis=0) > 0) & (one.values.mean(axis=0) > 0) for one in found])
    if not alive.any():
        raise BadInput(f"{who}: no vertex in {space} varies in all runs; project the runs again")
    recording = Recording(
        np.concatenate([one.values[:, alive] for one in found]).astype(float),
        np.concatenate([np.full(len(one.values), one.run.number) for one in found]),
        vertex_table(found[0].sizes, space)[alive].reset_index(drop=True),
        pd.concat([one.events.assign(run=one.run.number) for one in found], ignore_index=True),
        1 / found[0].tr,
        found[0].time_reference,
        "a.u.",
        subject,
        None,
        [step("read surfaces", space=space, vertices=len(alive), dropped_vertices=int((~alive).sum()))],
    )
    check_recording(recording)
    motion = pd.concat([one.motion.assign(run=one.run.number) for one in found], ignore_index=True)
    return clean_recording(recording, motion, settings)


def _read_run(base: Path, run: Run, space: str, settings: Settings, who: str) -> _Surfaces:
    paths = surfaces_of(run, space, who)
    sides = [read_gifti(paths[side], who) for side in SIDES]
    if len(sides[0]) != len(sides[1]):
        raise BadInput(
            f"{who}: {paths['L'].name} has {len(sides[0])} volumes and its other side {len(sides[1])}; project again"
        )
    values = np.concatenate(sides, axis=1)
    values[:, np.isnan(values).all(axis=0)] = 0.0  # the medial wall, which has no series: it is dropped as constant
    volumes.check_finite(values, run, who)
    tr = volumes.repetition_time(run, volumes.read_header(run.bold, who), who)
    sidecar = {**run.sidecar, **read_sidecar(base, paths["L"], who)}
    motion = volumes.read_confounds(run, len(values), who)
    events = volumes.read_events(run, len(values) * tr, who) if settings.events else volumes.no_events()
    reference = slice_timing.time_reference(sidecar, tr, who)
    return _Surfaces(run, values, (sides[0].shape[1], sides[1].shape[1]), tr, reference, motion, events)


def surfaces_of(run: Run, space: str, who: str) -> Mapping[str, Path]:
    """The file of each hemisphere beside a derived image."""
    stem = "_".join(
        f"{key}-{value}" for key, value in entities(run.bold).items() if key not in ("space", "res", "desc")
    )
    known = {entities(path).get("space", "native") for path in run.bold.parent.glob(f"{stem}_hemi-*{ENDING}")}
    pick(space, known, f"{who}: surface space of {stem}")
    paths = {side: run.bold.parent / f"{stem}_hemi-{side}_space-{space}{ENDING}" for side in SIDES}
    for path in paths.values():
        if not path.is_file():
            raise BadInput(f"{who}: {path.name} is missing; both hemispheres are needed, project again")
    return paths


def read_gifti(path: Path, who: str) -> Float[np.ndarray, "time vertices"]:
    """One row a volume. Raises `BadInput` for a file that is no GIFTI of series."""
    try:
        image = nibabel.load(path)
    except (*volumes.BROKEN, ExpatError) as error:
        raise BadInput(f"{who}: {path.name} cannot be read as GIFTI ({error}); copy or make it again") from error
    if not isinstance(image, nibabel.GiftiImage) or len(image.darrays) < 2:
        raise BadInput(f"{who}: {path.name} holds no volumes in time; give the projected series")
    return np.stack([array.data for array in image.darrays])


def _check_alike(found: list[_Surfaces], who: str) -> None:
    """One mesh, one repetition time and one time reference in all runs."""
    for name in ("sizes", "tr", "time_reference"):
        values = sorted({getattr(one, name) for one in found})
        if len(values) > 1:
            raise BadInput(
                f"{who}: {name} of its surfaces is {values[0]} and {values[1]} in two runs; derive its runs together"
            )


def vertex_table(sizes: tuple[int, int], space: str) -> pd.DataFrame:
    """One row a vertex, named by hemisphere and number; with places in m on the pial surface of fsaverage5, which
    nilearn's wheel holds, and without for other meshes."""
    names = [f"{side}_{number}" for side, size in zip(SIDES, sizes, strict=True) for number in range(size)]
    table = pd.DataFrame({"name": names, "kind": "vertex"})
    if all(MESHES.get(size) == space for size in sizes):
        from nilearn.datasets import load_fsaverage

        parts = load_fsaverage(space)["pial"].parts
        places = np.concatenate([parts[side].coordinates for side in ("left", "right")])
        table[["x", "y", "z"]] = places * 1e-3
    return table
