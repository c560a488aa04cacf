"""What `workflow/Lab.smk` needs in Python: its configuration, checked, and the command of its two levels."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.core.catalogue import pick
from bench.core.contract import BadInput

NEEDED = ("bids", "out", "task", "features")
OPTIONAL = ("subjects", "settings")


def open_lab(config: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """The configuration with its subjects (all folders sub-* where none are named) and `settings` as a list of files.

    Names the interpreter and the suite to the rules; one sentence and exit 2 on bad input.
    """
    os.environ["INTERPBENCH_ROOT"], os.environ["INTERPBENCH_PYTHON"] = str(root), sys.executable
    try:
        return _checked(config)
    except BadInput as error:
        print(f"interpbench: {error}", file=sys.stderr)
        sys.exit(2)


def _checked(config: Mapping[str, Any]) -> dict[str, Any]:
    for name in config:
        pick(str(name), (*NEEDED, *OPTIONAL), "Lab.smk: config")
    lost = [name for name in NEEDED if not config.get(name)]
    if lost:
        raise BadInput(f"Lab.smk: config lacks {lost[0]!r}; give {', '.join(NEEDED)}")
    found = [str(one).removeprefix("sub-") for one in config.get("subjects") or ()]
    found = found or sorted(path.name[4:] for path in Path(config["bids"]).glob("sub-*") if path.is_dir())
    if not found:
        raise BadInput(f"Lab.smk: {config['bids']} holds no sub-* yet; name the `subjects` that it will hold")
    settings = [config["settings"]] if config.get("settings") else []
    return {**config, "subjects": found, "settings": settings}


def level(name: str) -> str:
    """The shell command of a level; the rule's `params` hold what it needs, its inputs `settings` (0 or 1 file)."""
    run = 'PYTHONPATH="$INTERPBENCH_ROOT" "$INTERPBENCH_PYTHON" -P -m bench lab {params.bids:q} {params.out:q}'
    return f"{run} {name} --task {{params.task:q}} {{params.settings}}"


def settings_argument(files: list[str]) -> str:
    return " ".join(f"--settings '{file}'" for file in files)
