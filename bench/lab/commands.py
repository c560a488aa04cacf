"""`interpbench lab`: the two levels of a BIDS App."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.core.contract import BadInput
from bench.lab import group, participant
from bench.lab.rehearsal import enough


def lab(
    root: Path, out: Path, level: str, task: str, features: Path | None, labels: Sequence[str] | None,
    settings: Path | None, keep_going: bool,
) -> None:  # fmt: skip
    """Participant: exit status 0 if a recording went through (or `keep_going`), 1 if none did. Group: the page."""
    if level == "participant":
        outcomes = participant.prepare_all(root, out, task, settings, labels)
        print(participant.tell(outcomes))
        if not keep_going and all(one.recording is None for one in outcomes):
            sys.exit(1)
        return
    if features is None:
        raise BadInput("the group level needs --features, the YAML file of the model; see docs/lab.md")
    print(group.run_group(out, task, features, settings))


def calibrate(root: Path, out: Path, task: str, features: Path, settings: Path | None) -> None:
    """Prepare what is not prepared yet, plant truth, and print what was found of it and how many runs are enough."""
    if not list((out / "lab").glob(f"sub-*_task-{task}.json")):
        print(participant.tell(participant.prepare_all(root, out, task, settings, None)))
    table = group.run_rehearsal(out, task, features, settings)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.2f}", na_rep="-"))
    for question in ("layer", "lag", "found"):
        if table[question].notna().any():
            print(f"\n{enough(table, question).to_string(index=False, na_rep='more')}")
