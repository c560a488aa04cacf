"""From a BIDS folder to one subject's `Recording` and `Trials`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from bench.core.contract import BadInput
from bench.neuro.fmri import cleaning, glm, volumes
from bench.neuro.fmri.confounds import UNITS, nuisance, regress_out, scaled
from bench.neuro.fmri.designs import RESPONSES, condition_design
from bench.neuro.fmri.layout import entities, find_runs
from bench.neuro.fmri.preflight import Preflight, inspect
from bench.neuro.fmri.settings import Settings, check_settings
from bench.neuro.fmri.sites import Sites, choose_sites
from bench.neuro.fmri.trials import estimate_trials
from bench.neuro.haemodynamics import frame_times
from bench.neuro.recording import Recording, Trials, check_recording, step


@dataclass(frozen=True)
class Prepared:
    """One subject, ready for a track, and what its report shows.

    `trials` holds one estimate a trial and site on a time axis of length 1, None where none was asked for. Images lie
    on one grid of `affine` (mm): `mean` in scanner units, `tsnr` the mean over the standard deviation of a voxel in
    time, after alignment and before anything was regressed out. `motion` has a row a volume with its run; `designs` and
    `carpets` (percent of each voxel's mean, before and after cleaning side by side in the last axis) one entry a run.
    """

    recording: Recording
    trials: Trials | None
    task: str
    session: str | None
    origin: str
    space: str
    mean: Float[np.ndarray, "x y z"]
    mask: Bool[np.ndarray, "x y z"]
    tsnr: Float[np.ndarray, "x y z"]
    affine: Float[np.ndarray, "4 4"]
    motion: pd.DataFrame
    designs: list[pd.DataFrame]
    carpets: list[np.ndarray]
    preflight: Preflight
    settings: Settings
    sources: list[str]


def prepare(root: Path, subject: str, task: str, settings: Settings, session: str | None = None) -> Prepared:
    """Everything from files to the canonical form. Raises `BadInput` with subject, file and remedy."""
    check_settings(settings)
    root, who = Path(root), f"subject {subject}"
    preflight = inspect(root, subject, task, settings, session)
    runs = find_runs(root, subject, task, settings, session)
    derived, session = runs[0].derived, entities(runs[0].bold).get("ses")
    found = (cleaning.read_derived if derived else cleaning.read_raw)(runs, settings, who)
    kept = live_voxels(found, who)
    mask = found.mask.copy()
    mask[found.mask] = kept
    sites = choose_sites(mask, found.affine, found.space, settings, who)
    cleaned = [clean(series, kept, sites, settings, who) for series in found.runs]
    recording = _recording(cleaned, sites, subject, settings, [_voxels_step(found.mask, kept, sites)])
    return Prepared(
        recording,
        _trials(cleaned, recording, settings),
        task,
        session,
        "fMRIPrep derivative" if derived else "raw",
        found.space,
        np.mean([series.mean for series in found.runs], axis=0),
        mask,
        _tsnr(found, kept, mask),
        found.affine,
        pd.concat([series.motion.assign(run=series.run.number) for series in found.runs], ignore_index=True),
        [one.design for one in cleaned],
        [one.carpet for one in cleaned],
        preflight,
        settings,
        [
            os.path.relpath(path, root)
            for run in runs
            for path in (run.bold, run.events, run.confounds, run.mask)
            if path
        ],
    )


def live_voxels(found: cleaning.Subject, who: str) -> Bool[np.ndarray, "voxels"]:
    """Voxels of the mask that vary, have a mean above 0 and were in view in every run: percent of a mean is defined."""
    live = [(one.values.std(axis=0) > 0) & (one.values.mean(axis=0) > 0) & one.seen[found.mask] for one in found.runs]
    kept = np.logical_and.reduce(live)
    if not kept.any():
        raise BadInput(f"{who}: no voxel of the mask varies in all runs with a mean above 0; look at its images")
    return kept


def _voxels_step(mask: np.ndarray, kept: np.ndarray, sites: Sites) -> str:
    return step(
        "choose sites", mask_voxels=int(mask.sum()), dropped_voxels=int((~kept).sum()), sites=len(sites.table),
        regions_without_voxel=sites.empty,
    )  # fmt: skip


@dataclass(frozen=True)
class Cleaned:
    """One run of sites after the regression, with its whole design (conditions and nuisance) and its carpet."""

    series: cleaning.Series
    values: Float[np.ndarray, "time sites"]
    events: pd.DataFrame
    nuisance: pd.DataFrame
    design: pd.DataFrame
    carpet: Float[np.ndarray, "time shown stages"]
    steps: list[str]


CARPET = 400  # voxels: as many rows as a picture can show


def clean(
    series: cleaning.Series, kept: Bool[np.ndarray, "voxels"], sites: Sites, settings: Settings, who: str
) -> Cleaned:
    """Sites of one run in the asked unit, without what the nuisance regressors explain."""
    values, run = series.values[:, kept].astype(float), series.run
    regressors = nuisance(series.motion, series.tr, settings, f"{who}, {run.bold.name}")
    events = volumes.read_events(run, len(values) * series.tr, who) if settings.events else volumes.no_events()
    frames = frame_times(len(values), series.tr, series.time_reference)
    conditions = condition_design(events, frames, RESPONSES[settings.response])
    facts = {"regressors": list(regressors), "volumes": len(values), "high_pass_s": settings.high_pass}
    smooth = [step("smooth", run=run.number, full_width_mm=settings.smoothing)] if settings.smoothing > 0 else []
    done = [*smooth, step("regress out", run=run.number, **facts), step("scale", run=run.number, to=settings.scale)]
    return Cleaned(
        series,
        scaled(sites.extract(values), regressors.to_numpy(), settings.scale),
        events,
        regressors,
        pd.concat([conditions, regressors], axis=1),
        _carpet(values, regressors.to_numpy()),
        [*series.steps, *done],
    )


def _carpet(values: np.ndarray, regressors: np.ndarray) -> Float[np.ndarray, "time shown stages"]:
    shown = values[:, np.linspace(0, values.shape[1] - 1, min(CARPET, values.shape[1])).astype(int)]
    percent = 100 * (shown / shown.mean(axis=0) - 1)
    return np.stack([percent, regress_out(percent, regressors)], axis=-1)


def _recording(cleaned: list[Cleaned], sites: Sites, subject: str, settings: Settings, steps: list[str]) -> Recording:
    """All runs one after another. Raises `BadInput` where slices count as taken at different times between runs."""
    first = cleaned[0].series
    shares = {round(one.series.time_reference, 6) for one in cleaned}
    if len(shares) > 1:
        raise BadInput(
            f"subject {subject}: its runs are referred to the shares {sorted(shares)} of a volume; "
            "correct slices in all runs or in none"
        )
    recording = Recording(
        np.concatenate([one.values for one in cleaned]),
        np.concatenate([np.full(len(one.values), one.series.run.number) for one in cleaned]),
        sites.table,
        pd.concat([one.events.assign(run=one.series.run.number) for one in cleaned], ignore_index=True),
        1 / first.tr,
        first.time_reference,
        UNITS[settings.scale],
        subject,
        None,
        [line for one in cleaned for line in one.steps] + steps,
    )
    check_recording(recording)
    return recording


def _trials(cleaned: list[Cleaned], recording: Recording, settings: Settings) -> Trials | None:
    if settings.single_trial == "none" or recording.events.empty:
        return None
    return estimate_trials(recording, {one.series.run.number: one.nuisance for one in cleaned}, settings)


def contrast_map(prepared: Prepared, contrast: Mapping[str, float]) -> Float[np.ndarray, "sites"]:
    """z of a weighted sum of conditions per site, such as `{"scene": 1, "face": -1}`, with autoregressive noise.

    The recording is without nuisance already; with the nuisance in the design the result is that of the whole model.
    """
    recording = prepared.recording
    runs = [recording.values[recording.runs == run] for run in prepared.preflight.runs["number"]]
    return glm.contrast_z(list(zip(prepared.designs, runs, strict=True)), contrast)


def _tsnr(found: cleaning.Subject, kept: np.ndarray, mask: np.ndarray) -> Float[np.ndarray, "x y z"]:
    image = np.zeros(mask.shape)
    live = [one.values[:, kept] for one in found.runs]
    image[mask] = np.mean([values.mean(axis=0) / values.std(axis=0) for values in live], axis=0)
    return image
