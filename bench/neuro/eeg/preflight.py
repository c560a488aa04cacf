"""Before any fit: what a subject's recordings can carry, what is missing, and which analyses are valid.

Only headers, sidecars and event tables are read. `faults` are what preparation would refuse; `missing` limits what can
be done; `schemes` and `ceilings` say of each way to cross-validate, or to bound what a model can reach, why it is not
valid here (an empty string where it is). An analysis asks `demand_scheme` or `demand_ceiling` before it starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import mne_bids
import pandas as pd

from bench.core.catalogue import pick
from bench.core.contract import BadInput
from bench.neuro.eeg.reading import (
    EXTENSIONS,
    brain_picks,
    check_inside,
    events_file,
    find_runs,
    place,
    read_events,
    read_raw,
    subjects,
)
from bench.neuro.eeg.settings import Settings

BLOCKS = 4  # contiguous blocks of a run below which one cannot train on the past and on the future of what is tested


@dataclass(frozen=True)
class Preflight:
    """`runs` has one row a file (`run`, `file`, `seconds`, `sampling_rate`, `channels`, `line_hz`, `positions`,
    `events`); `trials` counts trials (`trial_type`, `run`, `count`); `repeats` is the least number of presentations of
    one stimulus (`stim_file` where the events have it, else the trial type)."""

    subject: str
    task: str
    session: str | None
    runs: pd.DataFrame
    trials: pd.DataFrame
    repeats: int
    faults: tuple[str, ...]
    missing: tuple[str, ...]
    schemes: Mapping[str, str]
    ceilings: Mapping[str, str]


def preflight(root: Path, subject: str, task: str, settings: Settings, session: str | None = None) -> Preflight:
    """Look at one subject. Raises `BadInput` only where there is no such recording or a file cannot be opened."""
    paths = find_runs(root, subject, task, settings.datatype, session)
    faults, tables = list[str](), list[pd.DataFrame]()
    rows = [_look(path, number, settings, faults, tables) for number, path in enumerate(paths)]
    runs = pd.DataFrame(rows)
    events = pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)
    chosen = events[events["trial_type"].isin(settings.conditions)] if settings.conditions else events
    trials = chosen.groupby(["trial_type", "run"]).size().rename("count").reset_index()
    stimulus = "stim_file" if "stim_file" in chosen else "trial_type"
    repeats = int(chosen.groupby(stimulus).size().min()) if len(chosen) else 0
    missing = _missing(runs, settings)
    others = len(_with_task(root, task, settings.datatype))
    return Preflight(
        subject, task, session or paths[0].session, runs, trials, repeats, tuple(faults), tuple(missing),
        _schemes(trials, others), _ceilings(repeats, others),
    )  # fmt: skip


def preflight_group(root: Path, task: str, settings: Settings) -> tuple[list[Preflight], dict[str, str]]:
    """Every subject that can be looked at, and of the others the reason why not. All sessions of a subject count."""
    found, skipped = list[Preflight](), dict[str, str]()
    for subject in subjects(root):
        try:
            named: list[str | None] = [*_sessions(root, subject, task, settings.datatype)]
            for session in named or [None]:
                found.append(preflight(root, subject, task, settings, session))
        except BadInput as error:
            skipped[subject] = str(error)
    return found, skipped


def demand_scheme(facts: Preflight, scheme: str) -> None:
    """Raise `BadInput` where a cross-validation scheme is not valid for a subject's recordings."""
    _demand(facts, facts.schemes, scheme, "cross-validation")


def demand_ceiling(facts: Preflight, ceiling: str) -> None:
    """Raise `BadInput` where a ceiling cannot be estimated from a subject's recordings."""
    _demand(facts, facts.ceilings, ceiling, "ceiling")


def _demand(facts: Preflight, table: Mapping[str, str], name: str, what: str) -> None:
    reason = table[pick(name, table, what)]
    if reason:
        valid = ", ".join(sorted(key for key, why in table.items() if not why)) or "none"
        raise BadInput(f"subject {facts.subject}: {what} {name!r} is not valid: {reason}; valid are: {valid}")


def _look(
    path: mne_bids.BIDSPath, number: int, settings: Settings, faults: list[str], tables: list[pd.DataFrame]
) -> dict[str, object]:
    """One file's row; its events go to `tables`, what would be refused to `faults`."""
    who, table = f"subject {path.subject}", events_file(path)
    events, fault = _events(table, who)
    try:
        raw = read_raw(path, f"{who}: {path.fpath.name}", [], preload=False)
    except BadInput as error:  # mne-bids reads the events as well, and says less of them
        raise BadInput(fault or str(error)) from error
    seconds = raw.n_times / raw.info["sfreq"]
    try:
        check_inside(events, seconds, f"{who}: {table.name}")
    except BadInput as error:
        fault = str(error)
    faults += [fault] if fault else []
    tables.append(events.assign(run=number))
    return {
        "run": number,
        "file": path.fpath.name,
        "seconds": seconds,
        "sampling_rate": raw.info["sfreq"],
        "channels": len(brain_picks(raw, settings.datatype, ())),
        "line_hz": settings.line_hz or raw.info["line_freq"],
        "positions": place(raw, settings.template_montage),
        "events": len(events),
    }


def _events(path: Path, who: str) -> tuple[pd.DataFrame, str]:
    """The events, and what is wrong with their file (then without a row)."""
    try:
        return read_events(path, who), ""
    except BadInput as error:
        return pd.DataFrame({"onset": [], "trial_type": []}), str(error)


def _missing(runs: pd.DataFrame, settings: Settings) -> list[str]:
    """What the files do not say and what follows from it."""
    said = []
    if runs["line_hz"].isna().any():
        said.append("line frequency: add PowerLineFrequency to the sidecar, or give line_hz; nothing is done before")
    if (runs["positions"] == "none").any():
        said.append(
            "sensor positions: bad channels cannot be interpolated nor components classified; add electrodes.tsv, or "
            "set correction to 'regression' or 'none'"
        )
    if (runs["positions"] == "template").any():
        said.append(f"measured sensor positions: those of {settings.template_montage} are used")
    if (runs["events"] == 0).any():
        said.append(f"events of {int((runs['events'] == 0).sum())} of {len(runs)} runs")
    return said


def _schemes(trials: pd.DataFrame, others: int) -> dict[str, str]:
    """Why each cross-validation scheme is not valid. Trials of one run share drifts and noise, so that a run is either
    kept together or cut into contiguous blocks with a gap."""
    spread = trials.groupby("trial_type")["run"].nunique()
    least = trials.groupby("trial_type")["count"].sum()
    runs = "" if len(spread) and spread.min() > 1 else "it needs every trial type in at least two runs"
    blocks = "" if len(least) and least.min() >= BLOCKS else f"it needs at least {BLOCKS} trials of every type"
    return {
        "leave_one_run_out": runs,
        "contiguous_blocks": blocks,
        "leave_one_subject_out": "" if others > 1 else "it needs at least two subjects with this task",
        "shuffled_trials": "trials of one run share slow noise, which shuffled folds leak from training to test",
    }


def _ceilings(repeats: int, others: int) -> dict[str, str]:
    """Why each ceiling cannot be estimated; see `bench.neuro.ceilings` and `bench.neuro.intersubject`."""
    again = "" if repeats > 1 else "it needs every stimulus at least twice"
    return {
        "split_half": again,
        "corrected_explained_variance": again,
        "between_subjects": "" if others > 2 else "it needs at least three subjects with this task",
    }


def _with_task(root: Path, task: str, datatype: str) -> set[str]:
    files = Path(root).glob(f"sub-*/**/{datatype}/*_task-{task}_*{datatype}.*")
    return {path.name.split("_")[0] for path in files if path.suffix in EXTENSIONS}


def _sessions(root: Path, subject: str, task: str, datatype: str) -> list[str]:
    folder = Path(root) / f"sub-{subject}"
    return sorted(
        path.name.removeprefix("ses-")
        for path in folder.glob("ses-*")
        if list(path.glob(f"{datatype}/*_task-{task}_*{datatype}.*"))
    )
