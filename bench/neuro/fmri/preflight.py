"""Before anything is computed: what a subject's runs hold, which ceilings and folds are valid, what is missing.

Only headers, sidecars and tables are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.core.catalogue import pick
from bench.core.contract import BadInput
from bench.neuro.fmri import slice_timing, volumes
from bench.neuro.fmri.layout import Run, find_runs, subjects, underived
from bench.neuro.fmri.settings import Settings

VALID = ""
RESPONSE = 16.0  # s: a response and its undershoot; what is closer in time shares signal
FEWEST_BLOCKS = 3


@dataclass(frozen=True)
class Preflight:
    """`runs` has one row a run: number, volumes, repetition_time (s), duration (s), time_reference, slice_timing,
    events, derived. `repeats` counts events, one row a condition, one column a run. `folds` and `ceilings` map each
    scheme to the reason why it is not valid, or to an empty text where it is. `missing` are sentences."""

    subject: str
    task: str
    runs: pd.DataFrame
    repeats: pd.DataFrame
    folds: Mapping[str, str]
    ceilings: Mapping[str, str]
    missing: list[str]


def inspect(root: Path, subject: str, task: str, settings: Settings, session: str | None = None) -> Preflight:
    """The preflight of one subject. Raises `BadInput` for what `layout` and `volumes` refuse."""
    who = f"subject {subject}"
    runs = find_runs(root, subject, task, settings, session)
    table, events = _look(runs, settings, who)
    repeats = count_repeats(events, [run.number for run in runs])
    others = [name for name in subjects(root) if name != subject]
    left_out = [f"derivative of {name}: the run is left out" for name in underived(root, runs, subject, task)]
    return Preflight(
        subject, task, table, repeats, judge_folds(table, repeats), judge_ceilings(repeats, len(others) + 1),
        _missing(table, settings) + left_out,
    )  # fmt: skip


def require(preflight: Preflight, scheme: str) -> None:
    """Raise `BadInput` with the reason where a scheme of folds or a ceiling is not valid for the subject."""
    schemes = {**preflight.folds, **preflight.ceilings}
    reason = schemes[pick(scheme, schemes, "scheme of folds or ceiling")]
    if reason:
        raise BadInput(f"subject {preflight.subject}, task {preflight.task}: {scheme} is not valid: {reason}")


@dataclass(frozen=True)
class Survey:
    """Preflights of the subjects that can be prepared, and of each other subject the sentence that says why not."""

    sound: list[Preflight]
    refused: Mapping[str, str]


def survey(root: Path, task: str, settings: Settings, session: str | None = None) -> Survey:
    """The preflight of every subject with a folder or a row in participants.tsv; one that fails stops no other.

    Headers and tables alone are read: a file cut short, or NaN in it, shows when it is prepared.
    """
    sound, refused = [], {}
    for subject in subjects(root):
        try:
            sound.append(inspect(root, subject, task, settings, session))
        except BadInput as fault:
            refused[subject] = str(fault)
    return Survey(sound, refused)


def _look(runs: list[Run], settings: Settings, who: str) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    rows, events = [], []
    for run in runs:
        image = volumes.read_header(run.bold, who)
        tr, count = volumes.repetition_time(run, image, who), image.shape[3]
        times = None if run.derived else slice_timing.slice_times(run.sidecar, image.shape[:3], tr, who)
        corrected = bool(run.sidecar.get("SliceTimingCorrected"))
        will_be = times is not None and settings.slice_timing == "auto" and not corrected
        reference = slice_timing.MIDDLE if will_be else slice_timing.time_reference(run.sidecar, tr, who)
        found = volumes.read_events(run, count * tr, who) if settings.events else pd.DataFrame({"trial_type": []})
        rows.append(
            [run.number, count, tr, count * tr, reference, times is not None or corrected, len(found), run.derived]
        )
        events.append(found)
    columns = [
        "number",
        "volumes",
        "repetition_time",
        "duration",
        "time_reference",
        "slice_timing",
        "events",
        "derived",
    ]
    table = pd.DataFrame(rows, columns=columns)
    if table["repetition_time"].nunique() > 1:
        values = ", ".join(f"{value:g} s" for value in table["repetition_time"].unique())
        raise BadInput(f"{who}: its runs have the repetition times {values}; prepare runs of one time together")
    return table, events


def count_repeats(events: list[pd.DataFrame], numbers: list[int]) -> pd.DataFrame:
    """Events of each condition (rows, by name) in each run (columns, by number)."""
    counts = {number: table["trial_type"].value_counts() for number, table in zip(numbers, events, strict=True)}
    return pd.DataFrame(counts).fillna(0).astype(int).sort_index()


def judge_folds(runs: pd.DataFrame, repeats: pd.DataFrame) -> dict[str, str]:
    """Cross-validation schemes and why each is not valid, if it is not.

    `leave_one_run_out` needs two runs; `leave_one_run_out_by_condition` (decoding) also each condition in two runs, so
    that every held-out condition was trained on. `blocks` are contiguous, with a gap as long as a response on either
    side. `shuffled` is never valid: neighbouring volumes share haemodynamics and noise.
    """
    few = "there is one run; take `blocks`, or record another run" if len(runs) < 2 else VALID
    thin = repeats.index[(repeats > 0).sum(axis=1) < 2]
    alone = f"condition {thin[0]} occurs in one run; leave it out" if len(thin) else VALID
    no_events = "there are no events, so no conditions" if repeats.empty else VALID
    short = runs["duration"].min() < 2 * FEWEST_BLOCKS * 2 * RESPONSE
    return {
        "leave_one_run_out": few,
        "leave_one_run_out_by_condition": few or no_events or alone,
        "blocks": f"a run lasts {runs['duration'].min():g} s, and three blocks with gaps of {RESPONSE:g} s need "
        f"{4 * FEWEST_BLOCKS * RESPONSE:g} s" if short else VALID,
        "shuffled": "neighbouring volumes share haemodynamics and noise, which a shuffled fold hands to the test; "
        "take leave_one_run_out or blocks",
    }  # fmt: skip


def judge_ceilings(repeats: pd.DataFrame, subjects: int) -> dict[str, str]:
    """Ceilings and why each is not valid, if it is not.

    `corrected_explained_variance` needs two repeats of each condition and estimates the reliability of one;
    `split_half` an even number, and estimates that of their mean. `inter_subject` needs two subjects with the same
    stimulus at the same time, which no table can tell: it is shared-signal normalised, no ceiling of one subject.
    """
    total = repeats.sum(axis=1)
    if repeats.empty:
        once = odd = "there are no events, so no repeats"
    else:
        rare, uneven = total.index[total < 2], total.index[total % 2 == 1]
        once = f"condition {rare[0]} occurs once; show it again, or leave it out" if len(rare) else VALID
        odd = (
            f"condition {uneven[0]} has {total[uneven[0]]} repeats, which make no equal halves; leave one out"
            if len(uneven)
            else VALID
        )
    return {
        "corrected_explained_variance": once,
        "split_half": once or odd,
        "inter_subject": "there is one subject" if subjects < 2 else VALID,
    }


def _missing(runs: pd.DataFrame, settings: Settings) -> list[str]:
    lines = []
    if not runs["slice_timing"].all():
        lines.append(
            "SliceTiming: slices are left where they are and count as taken at the middle of the volume, "
            "wrong by up to half a repetition time"
        )
    if not settings.events:
        lines.append("events: not asked for; nothing can be said about conditions and repeats")
    gaps = sorted(set(range(1, int(runs["number"].max()) + 1)) - set(runs["number"]))
    return lines + [f"run {number}: there are later runs, but not this one" for number in gaps]
