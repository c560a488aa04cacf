"""The participant level: one subject's files become a clean recording in a derivative, or a sentence why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.catalogue import pick
from bench.core.contract import BadInput
from bench.core.records import write_json
from bench.lab.settings import DATATYPES, Chosen, read_settings
from bench.neuro.eeg import derivatives as eeg_files
from bench.neuro.eeg import pipeline as eeg
from bench.neuro.eeg import report as eeg_report
from bench.neuro.fmri import derivatives as fmri_files
from bench.neuro.fmri import layout
from bench.neuro.fmri import pipeline as fmri


@dataclass(frozen=True)
class Outcome:
    """What became of one subject and session: the folder of its `Recording` below the output, or the reason."""

    subject: str
    session: str | None
    recording: str | None
    report: str | None
    reason: str

    @property
    def name(self) -> str:
        return f"sub-{self.subject}" + (f"_ses-{self.session}" if self.session else "")


def find_datatype(root: Path, task: str) -> str:
    """`fmri`, `eeg` or `meg`: the modality in which the task was recorded. Raises `BadInput` for none or several."""
    if not root.is_dir():
        raise BadInput(f"{root}: no such folder; give the root of a BIDS data set")
    places = [
        pattern.format(task=task) for pattern in ("sub-*/{{}}/*_task-{task}_*", "sub-*/ses-*/{{}}/*_task-{task}_*")
    ]
    found = [kind for folder, kind in DATATYPES.items() if any(any(root.glob(one.format(folder))) for one in places)]
    if not found:
        raise BadInput(f"{root}: no recording of task {task!r} below sub-*/func, eeg or meg; look at --task")
    if len(found) > 1:
        raise BadInput(f"{root}: task {task!r} was recorded as {' and '.join(found)}; give each a task name of its own")
    return found[0]


def prepare_all(root: Path, out: Path, task: str, settings: Path | None, labels: Sequence[str] | None) -> list[Outcome]:
    """Prepare the subjects (all, or those of `labels`), write a record of each, and go on past those that cannot be."""
    chosen = read_settings(settings, find_datatype(root, task))
    known = layout.subjects(root)
    wanted = known if not labels else [pick(one.removeprefix("sub-"), known, "--participant-label") for one in labels]
    done = []
    for subject in wanted:
        for session in sessions(root, subject, task, chosen.datatype):
            outcome = attempt(root, out, subject, session, task, chosen)
            write_json(out / record_name(outcome, task), record(outcome, task, chosen))
            done.append(outcome)
    return done


def sessions(root: Path, subject: str, task: str, datatype: str) -> list[str | None]:
    """Sessions in which the subject did the task, raw or as a derivative; [None] where there are none."""
    folder = next(name for name, kind in DATATYPES.items() if kind == datatype)
    roots = (root, *root.glob("derivatives/*")) if datatype == "fmri" else (root,)
    found = {
        path.parents[1].name.removeprefix("ses-")
        for base in roots
        for path in (base / f"sub-{subject}").glob(f"ses-*/{folder}/*_task-{task}_*")
    }
    return [*sorted(found)] or [None]


def attempt(root: Path, out: Path, subject: str, session: str | None, task: str, chosen: Chosen) -> Outcome:
    """Prepare and write one subject and session; a fault of its files becomes the outcome's reason."""
    try:
        recording, report = _prepare(root, out, subject, session, task, chosen.preprocessing)
    except BadInput as error:
        return Outcome(subject, session, None, None, str(error))
    return Outcome(subject, session, str(recording.relative_to(out)), str(report.relative_to(out)), "")


def _prepare(
    root: Path, out: Path, subject: str, session: str | None, task: str, settings: eeg.Settings | fmri.Settings
) -> tuple[Path, Path]:
    """Where the recording and the report of one subject and session now are."""
    if isinstance(settings, fmri.Settings):
        volumes = fmri.prepare(root, subject, task, settings, session)
        written = fmri_files.write_derivatives(volumes, out)
        return next(path for path in written if path.name.endswith("_desc-clean_timeseries")), written[-1]
    sensors = eeg.prepare(root, subject, task, settings, session)
    folder, stem = eeg_files.write_derivatives(sensors, out), eeg_files.stem(sensors)
    report = folder / f"{stem}_report.html"
    eeg_report.write_report(sensors, report)
    return folder / f"{stem}_desc-clean_recording", report


def record_name(outcome: Outcome, task: str) -> str:
    return f"lab/{outcome.name}_task-{task}.json"


def record(outcome: Outcome, task: str, chosen: Chosen) -> dict[str, Any]:
    """What the group level reads; all of a laboratory's results say whether they are private."""
    return {
        "private": chosen.encoding.private,
        "subject": outcome.subject,
        "session": outcome.session,
        "task": task,
        "datatype": chosen.datatype,
        "recording": outcome.recording,
        "report": outcome.report,
        "reason": outcome.reason,
    }


def tell(outcomes: Sequence[Outcome]) -> str:
    """One line a subject, and how many went through."""
    lines = [f"{one.name}: {one.report}" if one.recording else f"{one.name}: skipped: {one.reason}" for one in outcomes]
    through = sum(one.recording is not None for one in outcomes)
    return "\n".join([*lines, f"{through} of {len(outcomes)} recordings prepared, {len(outcomes) - through} skipped"])
