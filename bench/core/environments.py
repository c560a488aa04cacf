"""Conda environment files from the locks: `python -m bench.core.environments` writes `envs/<name>.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bench.core.config import ROOT


def pins(lock: Path) -> list[str]:
    """The requirement lines of a lock, comments left out."""
    return [line for line in lock.read_text().splitlines() if line and not line.startswith("#")]


def conda_environment(lock: Path) -> dict[str, Any]:
    """A conda environment that installs exactly a lock's pins with pip."""
    return {"channels": ["conda-forge"], "dependencies": ["python=3.11", "pip", {"pip": pins(lock)}]}


def main() -> None:
    for lock in sorted((ROOT / "envs").glob("*.lock")):
        if lock.stem != "test":
            lock.with_suffix(".yaml").write_text(yaml.safe_dump(conda_environment(lock), sort_keys=False))


if __name__ == "__main__":
    main()
