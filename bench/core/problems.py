"""The problem stage: problems and truths in separate trees, one folder a unit, known by the hash of their code."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.core import data, store
from bench.core.catalogue import load_plugin
from bench.core.config import mirror_of
from bench.core.contract import Blob, Unit, generator
from bench.core.plan import SHORT
from bench.core.records import read_json, write_json


@dataclass(frozen=True)
class Workspace:
    """What a task may use beside its random generator: shared files by content, and prepared data sets by id."""

    blobs: Path
    data: Mapping[str, Path]

    def blob(self, save: Callable[[Path], object]) -> Blob:
        """Have `save(path)` write a file and return it as a content-addressed blob."""
        self.blobs.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.blobs, prefix=".new-")
        os.close(handle)
        save(Path(name))
        made, size = Blob.of(Path(name)), os.stat(name).st_size
        kept = self.blobs / made.sha256
        if kept.is_file() and kept.stat().st_size == size:
            os.unlink(name)  # problems hold hard links to the first one: a large model lies on the disk once
        else:
            os.chmod(name, 0o644)
            os.replace(name, kept)
        return Blob(kept, made.sha256)


def make_data(spec: Mapping[str, Any], config: Mapping[str, Any], root: Path, output: Path) -> None:
    """Fetch and prepare one data set; write where it lies, or why it cannot be had."""
    store_folder = Path(config["results"]) / "data"
    try:
        folder = data.obtain(spec["dataset"], root / "datasets", store_folder, mirror_of(config))
        write_json(output, {"dataset": spec["dataset"], "folder": str(folder)})
    except data.DataMissing as error:
        write_json(output, {"dataset": spec["dataset"], "missing": str(error)})


def make_problems(
    spec: Mapping[str, Any], config: Mapping[str, Any], output: Path, progress: Callable[[int, int], None]
) -> None:
    """Make every problem and truth of one job that is not there yet; write the manifest of all."""
    results = Path(config["results"])
    prepared = {name: read_json(Path(path)) for name, path in spec["datasets"].items()}
    missing = [entry["missing"] for entry in prepared.values() if "missing" in entry]
    if missing:
        write_json(output, {"units": {key: {"skipped": "; ".join(missing)} for key in spec["units"]}})
        return
    workspace = Workspace(results / "blobs", {name: Path(entry["folder"]) for name, entry in prepared.items()})
    task = _Lazy(Path(spec["path"]))
    units = {}
    for number, key in enumerate(spec["units"], 1):
        units[key] = make_unit(Unit.from_key(key), task, workspace, results, spec["code"])
        progress(number, len(spec["units"]))
    write_json(output, {"units": units})


class _Lazy:
    """A task module that is executed at the first unit that needs it, and not at all where all units are there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> ModuleType:
        self.module = getattr(self, "module", None) or load_plugin(self.path)
        return self.module


def make_unit(unit: Unit, task: _Lazy, workspace: Workspace, results: Path, code: str) -> dict[str, Any]:
    """Problem and truth of one unit, made unless they are there; where they lie and their checksums."""
    problem, truth = (results / tree / unit.key / code[:SHORT] for tree in ("problems", "truths"))
    if not (problem.is_dir() and truth.is_dir()):
        made = task.load().generate(unit.instance, unit.seed, generator("problem", unit.key), workspace)
        for value, folder in zip(made, (problem, truth), strict=True):
            _write_whole(value, folder, unit.key)
    return {
        "problem": str(problem), "truth": str(truth),
        "problem_sha256": store.checksum(problem), "truth_sha256": store.checksum(truth),
    }  # fmt: skip


def _write_whole(value: Any, folder: Path, label: str) -> None:
    """Write to a neighbouring folder first: a killed job leaves no half-written problem."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    store.write(value, partial, label)
    shutil.rmtree(folder, ignore_errors=True)
    partial.replace(folder)
