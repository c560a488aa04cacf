"""Made-up records whose every foreign text tries to break the page: reasons, logs, titles, descriptions, references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests import leaderboard_records as made_up

SCRIPT = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
HOSTILE = SCRIPT + "\x1b[31mred\x1b[0m\x07\u202egnp.exe & \"'{{ 7*7 }}"


def hostile_catalogue() -> dict[str, Any]:
    facts = made_up.catalogue()
    track = facts["tracks"]["maze"]
    mazes = track["tasks"]["mazes"]
    track["title"] = track["description"] = track["methods"]["crasher"]["title"] = HOSTILE
    track["methods"]["crasher"]["reference"] = track["mutants"]["compass_reversed"]["defect"] = HOSTILE
    track["metrics"]["way_found"]["title"] = mazes["instances"][0]["title"] = mazes["title"] = HOSTILE
    return facts


def write_hostile(folder: Path) -> tuple[Path, Path]:
    """As `leaderboard_records.write`."""
    texts = {"reason": HOSTILE + "y" * 3000, "log_tail": HOSTILE + "x" * 5000 + "\nend"}
    entries = [entry if entry["status"] == "ok" else entry | texts for entry in made_up.records()]
    return made_up.write(folder, entries, hostile_catalogue())
