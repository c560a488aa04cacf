"""Pictures of units: one page each, with the graph, the right circuits and every answer, drawn in the browser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.contract import BadInput
from leaderboard.tables import TaskColumn, TrackTable
from leaderboard.views import safe_name, task_of, unit_id

KEYS = {"track", "unit", "nodes", "edges", "circuits", "null", "answers"}


@dataclass(frozen=True)
class Picture:
    """One unit of a track as `bench.core.pictures` wrote it."""

    track: str
    unit: str  # task-v1/instance/seed
    content: Mapping[str, Any]

    @property
    def page(self) -> str:
        """Path from the folder of the page."""
        return f"pictures/{safe_name(f'{self.track}-{unit_id(self.unit)}')}.html"


Drawn = Mapping[tuple[str, str], Picture]


def load(folder: Path) -> Drawn:
    """Pictures by track and unit; none where the folder is missing. Raises `BadInput` where a file is malformed."""
    found = [_read(path) for path in sorted(folder.glob("*.json"))]
    return {(picture.track, picture.unit): picture for picture in found}


def _read(path: Path) -> Picture:
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise BadInput(f"{path}: is no JSON ({error}); build the page anew with `bench collect`") from error
    if not isinstance(content, dict) or set(content) != KEYS:
        raise BadInput(f"{path}: is no picture of a unit; it must hold just {', '.join(sorted(KEYS))}")
    return Picture(content["track"], content["unit"], content)


def first_picture(drawn: Drawn, table: TrackTable, column: TaskColumn, instance: str) -> Picture | None:
    """The picture of an instance, whatever its seed."""
    found = (
        picture
        for (track, unit), picture in sorted(drawn.items())
        if track == table.track and (task_of(unit), unit.split("/")[1]) == (column.task, instance)
    )
    return next(found, None)
