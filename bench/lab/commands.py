"""`interpbench lab`: the two levels of a BIDS App."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.core.contract import BadInput
from bench.lab import group, participant


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
