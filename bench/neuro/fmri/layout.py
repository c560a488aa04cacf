"""Which files of a BIDS folder are one subject's runs of a task: raw, or derived in the layout of fMRIPrep."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.core.catalogue import pick
from bench.core.contract import BadInput
from bench.neuro.fmri.settings import Settings

PREPROCESSED = "desc-preproc_bold.nii"
CONFOUNDS = ("_desc-confounds_timeseries.tsv", "_desc-confounds_regressors.tsv")  # since and before fMRIPrep 20.2


@dataclass(frozen=True)
class Run:
    """Files of one run. `number` is its BIDS run entity, or 1 where it has none. `sidecar` is merged along the
    inheritance principle. `events` is None where the data set has no events for the run; `confounds` and `mask`
    are those of a derivative and None for raw data, which `derived` tells apart."""

    number: int
    bold: Path
    sidecar: Mapping[str, Any]
    events: Path | None
    confounds: Path | None
    mask: Path | None

    @property
    def derived(self) -> bool:
        return self.confounds is not None


def subjects(root: Path) -> list[str]:
    """Labels of the subjects that have a folder or a row of participants.tsv, in order."""
    found = {path.name[4:] for path in Path(root).glob("sub-*") if path.is_dir()}
    table = Path(root) / "participants.tsv"
    if table.is_file():
        names = pd.read_csv(table, sep="\t", dtype=str)
        found |= {name.removeprefix("sub-") for name in names.get("participant_id", pd.Series(dtype=str)).dropna()}
    return sorted(found)


def find_runs(root: Path, subject: str, task: str, settings: Settings, session: str | None = None) -> list[Run]:
    """All runs in order of their number: of the derivative where there is one, else raw.

    Raises `BadInput` with the subject where there are none, where a choice is open (sessions, spaces, echoes), or
    where two files are one run.
    """
    raw, derived = Path(root), Path(root) / settings.derivatives
    who = f"subject {subject}"
    if not raw.is_dir():
        raise BadInput(f"{raw}: no such folder; give the root of a BIDS data set")
    wanted = settings.source
    if wanted == "auto":
        wanted = "derivative" if _images(derived, subject, task, session, f"_{PREPROCESSED}*") else "raw"
    base, ending = (derived, f"_{PREPROCESSED}*") if wanted == "derivative" else (raw, "_bold.nii*")
    if not (base / f"sub-{subject}").is_dir():
        known = ", ".join(path.name[4:] for path in sorted(base.glob("sub-*")) if path.is_dir()) or "none"
        raise BadInput(f"{who}: no folder {base / f'sub-{subject}'}; those with one are {known}")
    session = _session(base / f"sub-{subject}", session, who)
    images = _images(base, subject, task, session, ending)
    if not images:
        raise BadInput(f"{who}: no BOLD image of task {task} in {base / f'sub-{subject}'}; name a task it has")
    images = _one_space(images, settings.space, who) if wanted == "derivative" else images
    runs = [_run(raw, base, image, wanted == "derivative", who) for image in images]
    _one_each(runs, who)
    return sorted(runs, key=lambda run: run.number)


def _images(base: Path, subject: str, task: str, session: str | None, ending: str) -> list[Path]:
    folder = base / f"sub-{subject}" / (f"ses-{session}" if session else "")
    deep = "**/" if session is None else ""
    return sorted(folder.glob(f"{deep}func/sub-{subject}_*task-{task}_*{ending.lstrip('_')}"))


def underived(root: Path, runs: list[Run], subject: str, task: str) -> list[str]:
    """Names of the raw images that have no derivative among the derived runs of the same session."""
    if not runs[0].derived:
        return []
    raw = _images(Path(root), subject, task, entities(runs[0].bold).get("ses"), "_bold.nii*")
    numbers = {run.number for run in runs}
    return [path.name for path in raw if _number(path, f"subject {subject}") not in numbers]


def _session(folder: Path, session: str | None, who: str) -> str | None:
    """The session asked for, or the only one; None where the subject has no sessions."""
    known = [path.name[4:] for path in sorted(folder.glob("ses-*")) if path.is_dir()]
    if session is not None:
        return pick(session, known, f"{who}: session")
    if len(known) > 1:
        raise BadInput(f"{who}: has the sessions {', '.join(known)}; name one")
    return known[0] if known else None


def _one_space(images: list[Path], space: str, who: str) -> list[Path]:
    """Images of one space: the one asked for, or the only one."""
    by_space = {path: entities(path).get("space", "native") for path in images}
    known = sorted(set(by_space.values()))
    if not space and len(known) > 1:
        raise BadInput(f"{who}: its derivatives are in the spaces {', '.join(known)}; set `space` to one of them")
    chosen = pick(space, known, f"{who}: space") if space else known[0]
    return [path for path, found in by_space.items() if found == chosen]


def _one_each(runs: list[Run], who: str) -> None:
    for run in runs:
        if "echo" in entities(run.bold):
            raise BadInput(
                f"{who}: {run.bold.name} is one echo of several; combine the echoes first, for example with fMRIPrep"
            )
    twice = [number for number, count in Counter(run.number for run in runs).items() if count > 1]
    if twice:
        names = " and ".join(run.bold.name for run in runs if run.number == twice[0])
        raise BadInput(f"{who}: {names} are both run {twice[0]}; keep one of them or number them apart")


def entities(path: Path) -> dict[str, str]:
    """BIDS entities of a file name: `sub-01_task-x_bold.nii.gz` gives sub and task."""
    parts = path.name.split(".")[0].split("_")
    return dict(part.split("-", 1) for part in parts if "-" in part)


def stem_of(bold: Path) -> str:
    """What the names of a run's derivatives have in common: its entities but those of one image of it."""
    return "_".join(f"{key}-{value}" for key, value in entities(bold).items() if key not in ("space", "res", "desc"))


def _number(path: Path, who: str) -> int:
    run = entities(path).get("run", "1")
    if not run.isdigit():
        raise BadInput(f"{who}: {path.name} has run {run!r}; BIDS numbers runs with digits")
    return int(run)


def _run(raw: Path, base: Path, bold: Path, derived: bool, who: str) -> Run:
    events = inherited(raw, _raw_name(raw, base, bold), "events", ".tsv")
    sidecar = read_sidecar(base, bold, who)
    confounds = mask = None
    if derived:
        stem = stem_of(bold)
        confounds = _needed([bold.parent / (stem + ending) for ending in CONFOUNDS], bold, who)
        mask = _needed([bold.parent / bold.name.replace(PREPROCESSED, "desc-brain_mask.nii")], bold, who)
    return Run(_number(bold, who), bold, sidecar, events[-1] if events else None, confounds, mask)


def _raw_name(raw: Path, base: Path, bold: Path) -> Path:
    """The place that the raw image of a derived one has: events stand beside it."""
    return raw / bold.relative_to(base)


def _needed(candidates: list[Path], bold: Path, who: str) -> Path:
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise BadInput(f"{who}: {bold.name} lacks {candidates[0].name} beside it; run fMRIPrep's output step again")
    return found


def inherited(root: Path, path: Path, suffix: str, extension: str) -> list[Path]:
    """Files that hold for `path` by the inheritance principle, the most general first.

    One holds if it lies at or above `path` and has no entity that `path` has not, with the same values.
    """
    own = entities(path)
    folders = [folder for folder in reversed(path.parents) if folder == root or root in folder.parents]
    found = [
        one for folder in folders for one in sorted(folder.glob(f"*{suffix}{extension}"), key=lambda p: len(p.name))
    ]
    return [one for one in found if entities(one).items() <= own.items() and _suffix(one) == suffix]


def _suffix(path: Path) -> str:
    return path.name.split(".")[0].split("_")[-1]


def read_sidecar(root: Path, bold: Path, who: str) -> dict[str, Any]:
    """Metadata of an image, merged from the general to the particular. Raises `BadInput` for a file that is no JSON."""
    merged: dict[str, Any] = {}
    for path in inherited(root, bold, "bold", ".json"):
        try:
            merged |= json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise BadInput(f"{who}: {path} is not valid JSON ({error}); correct it") from error
    return merged
