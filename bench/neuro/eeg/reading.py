"""From a BIDS folder to checked runs: signals in V, T or T/m, events in s, positions, and what the file cannot say.

Files are read through mne-bids. Whatever is wrong with one becomes a `BadInput` with subject, file and remedy, before
anything is computed; what is only odd is kept as a note.
"""

from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mne
import mne_bids
import numpy as np
import pandas as pd

from bench.core.catalogue import pick
from bench.core.contract import BadInput
from bench.neuro.eeg.settings import Settings

EXTENSIONS = (".vhdr", ".set", ".edf", ".bdf", ".fif", ".ds", ".sqd", ".con")
# What the readers of MNE and mne-bids raise for damaged files.
DAMAGE = (ValueError, RuntimeError, OSError, KeyError, IndexError, TypeError, EOFError, NotImplementedError,
          AttributeError, struct.error)  # fmt: skip
PLAUSIBLE = {"eeg": ("V", 2e-8, 1e-3), "mag": ("T", 1e-15, 1e-10), "grad": ("T/m", 1e-14, 1e-8)}
TIMED = ("onset", "duration", "trial_type")


@dataclass(frozen=True)
class Run:
    """One file of one subject, read and checked. `events` has `onset`, `duration` (s), `trial_type` and what else the
    file says; `positions` is `measured`, `template` or `none`; `line_hz` is None where the sidecar does not say."""

    number: int
    path: Path
    raw: mne.io.BaseRaw
    events: pd.DataFrame
    line_hz: float | None
    positions: str
    notes: tuple[str, ...]


@contextmanager
def noting(notes: list[str]) -> Iterator[None]:
    """Collect the warnings of libraries as notes: one line each, none twice."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        line = " ".join(str(warning.message).split())
        if line not in notes and not issubclass(warning.category, DeprecationWarning):
            notes.append(line)


def subjects(root: Path) -> list[str]:
    """Subjects of a BIDS folder without `sub-`. Raises `BadInput` where it is none."""
    if not (Path(root) / "dataset_description.json").is_file():
        raise BadInput(f"{root}: no dataset_description.json; give the root folder of a BIDS data set")
    found = sorted(path.name.removeprefix("sub-") for path in Path(root).glob("sub-*") if path.is_dir())
    if not found:
        raise BadInput(f"{root}: no folder sub-*; give the root folder of a BIDS data set")
    return found


def find_runs(root: Path, subject: str, task: str, datatype: str, session: str | None) -> list[mne_bids.BIDSPath]:
    """The recordings of a subject by run. Raises `BadInput` where there are none or a session must be named."""
    root = Path(root)
    pick(subject, subjects(root), f"{root.name}: subject")
    paths = mne_bids.find_matching_paths(
        root, subjects=subject, datatypes=datatype, suffixes=datatype, extensions=list(EXTENSIONS)
    )
    paths = [path for path in paths if path.fpath.is_relative_to(root / f"sub-{subject}")]  # no derivatives
    if not paths:
        raise BadInput(f"subject {subject}: no {datatype} recording below {root / f'sub-{subject}'}; look at datatype")
    pick(task, sorted({str(path.task) for path in paths}), f"subject {subject}: task")
    paths = _of_session([path for path in paths if path.task == task], subject, session)
    return sorted((path for path in paths if path.split in (None, "01")), key=lambda path: path.run or "")


def _of_session(paths: list[mne_bids.BIDSPath], subject: str, session: str | None) -> list[mne_bids.BIDSPath]:
    sessions = sorted({path.session for path in paths if path.session})
    if session is not None:
        pick(session, sessions, f"subject {subject}: session")
    elif len(sessions) > 1:
        raise BadInput(f"subject {subject}: there are sessions {', '.join(sessions)}; name the one to prepare")
    return [path for path in paths if session is None or path.session == session]


def read_runs(root: Path, subject: str, task: str, settings: Settings, session: str | None) -> list[Run]:
    """Every run of a subject, checked one by one and against each other."""
    paths = find_runs(root, subject, task, settings.datatype, session)
    runs = [read_run(path, number, settings) for number, path in enumerate(paths)]
    for run in runs[1:]:
        if run.raw.ch_names != runs[0].raw.ch_names or run.raw.info["sfreq"] != runs[0].raw.info["sfreq"]:
            raise BadInput(
                f"subject {subject}: {run.path.name} and {runs[0].path.name} differ in channels or sampling rate; "
                "export them alike, or give them different tasks"
            )
    return runs


def read_run(path: mne_bids.BIDSPath, number: int, settings: Settings) -> Run:
    """One run, its signal, events and header held against each other."""
    who, notes = f"subject {path.subject}: {path.fpath.name}", list[str]()
    events = read_events(events_file(path), f"subject {path.subject}")
    raw = read_raw(path, who, notes)
    check_inside(events, raw.n_times / raw.info["sfreq"], f"subject {path.subject}: {events_file(path).name}")
    _check_header(path, raw, who)
    positions = place(raw, settings.template_montage)
    check_signal(raw, settings, who)
    return Run(number, path.fpath, raw, events, raw.info["line_freq"], positions, tuple(notes))


def read_raw(path: mne_bids.BIDSPath, who: str, notes: list[str], preload: bool = True) -> mne.io.BaseRaw:
    """The signal with types, bad channels and positions of the sidecars. `BadInput` for a damaged file."""
    try:
        with noting(notes):
            raw = mne_bids.read_raw_bids(path, verbose="error")
            if preload:
                raw.load_data(verbose="error")
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"{who} cannot be read ({reason}); copy or export the file again") from error
    if not raw.n_times > 1:
        raise BadInput(f"{who} holds {raw.n_times} samples; copy or export the file again")
    raw.set_annotations(None)  # the events file is read by itself; markers would only repeat it
    return raw


def events_file(path: mne_bids.BIDSPath) -> Path:
    """Where BIDS puts the events of a recording."""
    return path.copy().update(suffix="events", extension=".tsv", split=None).fpath


def read_events(path: Path, who: str) -> pd.DataFrame:
    """The events file by onset, in s. Raises `BadInput` where it is missing, empty or not a table of times."""
    if not path.is_file():
        raise BadInput(f"{who}: {path.name} is missing; add it, with onset, duration and trial_type")
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except pd.errors.EmptyDataError:
        table = pd.DataFrame()
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{who}: {path.name} is no table ({reason}); write tab-separated UTF-8") from error
    if not len(table):
        raise BadInput(f"{who}: {path.name} has no event; add the events, or leave this recording out")
    return _timed(table, f"{who}: {path.name}").sort_values("onset", kind="stable", ignore_index=True)


def check_inside(events: pd.DataFrame, duration: float, what: str) -> None:
    """Raise `BadInput` where an event lies outside of the recording of `duration` s."""
    outside = events[(events["onset"] < 0) | (events["onset"] > duration)]
    if len(outside):
        raise BadInput(
            f"{what} has {len(outside)} events outside of the recording of {duration:g} s, the first at "
            f"{outside['onset'].iloc[0]:g} s; correct onsets (s from the first sample) or copy the recording again"
        )


def _timed(table: pd.DataFrame, what: str) -> pd.DataFrame:
    """Onset and duration as numbers, trial_type from `value` where there is none, other columns as they are."""
    if "onset" not in table or not {"trial_type", "value"} & set(table):
        raise BadInput(f"{what} has columns {', '.join(table)}; add onset and trial_type")
    onset = pd.to_numeric(table["onset"], errors="coerce")
    if onset.isna().any():
        row = int(np.flatnonzero(onset.isna())[0])
        raise BadInput(f"{what} has onset {table['onset'].iloc[row]!r} in row {row + 1}; give seconds as a number")
    duration = pd.to_numeric(table["duration"], errors="coerce") if "duration" in table else onset * 0
    kind = table["trial_type"] if "trial_type" in table else table["value"]
    timed = pd.DataFrame({"onset": onset, "duration": duration.fillna(0.0), "trial_type": kind})
    others = [name for name in table if name not in (*TIMED, "sample", "run")]
    return pd.concat([timed.astype({"onset": float, "duration": float}), table[others]], axis=1)


def sidecar(path: mne_bids.BIDSPath) -> dict[str, Any]:
    """The JSON beside a recording; empty where there is none."""
    file = path.copy().update(extension=".json", split=None).fpath
    if not file.is_file():
        return {}
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(f"subject {path.subject}: {file.name} is not valid JSON ({error}); correct it") from error


def _check_header(path: mne_bids.BIDSPath, raw: mne.io.BaseRaw, who: str) -> None:
    """The sidecar's rate and duration are those of the file: a truncated copy differs in the second."""
    said, rate = sidecar(path), raw.info["sfreq"]
    found = {"SamplingFrequency": rate, "RecordingDuration": raw.n_times / rate}
    slack = {"SamplingFrequency": rate * 1e-3, "RecordingDuration": max(1.0, raw.n_times / rate * 1e-3)}
    for name, value in found.items():
        claimed = said.get(name)
        if isinstance(claimed, int | float) and abs(claimed - value) > slack[name]:
            raise BadInput(
                f"{who} has a {name} of {value:g}, its sidecar says {claimed:g}; copy the file again, or correct the "
                "sidecar"
            )


def place(raw: mne.io.BaseRaw, template: str | None) -> str:
    """Where positions come from: `measured`, `template` (set here, where it knows every EEG channel) or `none`."""
    eeg = mne.pick_types(raw.info, meg=False, eeg=True, exclude=[])
    if not len(eeg):
        return "measured"
    where = np.array([raw.info["chs"][i]["loc"][:3] for i in eeg])
    if np.isfinite(where).all() and (where != 0).any(axis=1).all():
        return "measured"
    if template is None:
        return "none"
    montage = mne.channels.make_standard_montage(template)
    if not {raw.ch_names[i] for i in eeg} <= set(montage.ch_names):
        return "none"
    raw.set_montage(montage, on_missing="ignore", verbose="error")
    return "template"


def check_signal(raw: mne.io.BaseRaw, settings: Settings, who: str) -> None:
    """Finite, moving, and in the unit that the file says. A constant good channel is refused or marked bad."""
    picks = brain_picks(raw, settings.datatype, exclude=())
    if not len(picks):
        raise BadInput(f"{who} has no {settings.datatype} channel; look at the types in channels.tsv")
    values = raw.get_data(picks)
    names = np.array(raw.ch_names)[picks]
    broken = ~np.isfinite(values).all(axis=1)
    if broken.any():
        raise BadInput(
            f"{who} has NaN or infinite values in {int(broken.sum())} channels, first {names[broken][0]}; export the "
            "file again, or cut the stretch out"
        )
    flat = [name for name in names[np.ptp(values, axis=1) == 0] if name not in raw.info["bads"]]
    if flat and settings.constant_channels == "refuse":
        raise BadInput(
            f"{who} has {len(flat)} constant channels that channels.tsv calls good, first {flat[0]}; mark them bad "
            "there, or set constant_channels to 'interpolate'"
        )
    raw.info["bads"] = [*raw.info["bads"], *map(str, flat)]
    if settings.plausible:
        _check_unit(raw, settings.datatype, who)


def _check_unit(raw: mne.io.BaseRaw, datatype: str, who: str) -> None:
    """The median standard deviation within one-second windows, over good channels of a kind, is one of a head."""
    kinds = np.array(raw.get_channel_types())
    window = max(2, min(round(raw.info["sfreq"]), raw.n_times))
    for kind in ("eeg",) if datatype == "eeg" else ("mag", "grad"):
        picks = [i for i in np.flatnonzero(kinds == kind) if raw.ch_names[i] not in raw.info["bads"]]
        if not picks:
            continue
        whole = raw.get_data(picks)[:, : raw.n_times // window * window]
        typical = float(np.median(whole.reshape(len(picks), -1, window).std(axis=-1)))
        unit, least, most = PLAUSIBLE[kind]
        if not least <= typical <= most:
            raise BadInput(
                f"{who} has a typical {kind} amplitude of {typical:.2g} {unit}, outside of {least:g} to {most:g}; "
                "correct the units in the header and channels.tsv, or set plausible to False"
            )


def brain_picks(raw: mne.io.BaseRaw, datatype: str, exclude: tuple[str, ...] | str = "bads") -> np.ndarray:
    """Indices of the EEG or MEG channels."""
    chosen = list[str]() if exclude == () else exclude
    return mne.pick_types(raw.info, meg=datatype == "meg", eeg=datatype == "eeg", ref_meg=False, exclude=chosen)
