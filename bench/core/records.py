"""Run and score records: one JSON line each, checked against `workflow/schemas/record.json` and `score.json`."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import jsonschema

from bench.core.config import schema
from bench.core.contract import BadInput

SCHEMA_VERSION = 1
STATUSES = ("ok", "error", "timeout", "oom", "nan", "invalid_answer", "no_answer", "unsupported", "skipped")
RUN, SCORE = "run.jsonl", "score.jsonl"
VERSIONED = (
    "numpy",
    "scipy",
    "pandas",
    "torch",
    "scikit-learn",
    "mne",
    "nilearn",
    "himalaya",
    "tracr-pypi",
    "snakemake",
)


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema(name))


def check(record: Mapping[str, Any], name: str) -> None:
    """Raise `BadInput` where a record breaks its schema (`record` or `score`)."""
    fault = next(iter(_validator(name).iter_errors(record)), None)
    if fault is not None:
        where = ".".join(map(str, fault.absolute_path)) or "(top level)"
        raise BadInput(f"{name} record: {where}: {fault.message:.200}; run `bench verify --prune` and start again")


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, also after power loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(name, 0o644)
    os.replace(name, path)


def write_json(path: Path, value: Any) -> None:
    write_atomically(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def read_json(path: Path) -> Any:
    """Parsed JSON. Raises `BadInput` naming the file where it is missing or malformed."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path}: cannot be read as JSON ({error}); run `bench verify --prune` and start again"
        ) from error


def line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, sort_keys=True, allow_nan=False) + "\n"


def append(path: Path, record: Mapping[str, Any], name: str) -> None:
    """Add one record to a JSON-lines file, after its schema was checked."""
    check(record, name)
    before = path.read_text() if path.exists() else ""
    write_atomically(path, before + line(record))


def read_lines(path: Path, name: str) -> Iterator[dict[str, Any]]:
    """The valid records of a JSON-lines file; raises `BadInput` with file and line number at the first bad one."""
    for number, text in enumerate(path.read_text().splitlines(), 1):
        try:
            record = json.loads(text)
            check(record, name)
        except (ValueError, BadInput) as error:
            raise BadInput(
                f"{path}: line {number} is not a valid {name} record ({error}); `bench verify --prune` removes it"
            ) from error
        yield record


def last(path: Path, name: str, **match: Any) -> dict[str, Any] | None:
    """The newest record of a file whose fields equal `match`, or None; malformed lines count as absent."""
    if not path.is_file():
        return None
    try:
        found = [record for record in read_lines(path, name) if match.items() <= record.items()]
    except BadInput:
        return None  # `bench verify` reports it; here the unit simply counts as not done
    return found[-1] if found else None


def versions(names: Iterable[str] = VERSIONED) -> dict[str, str]:
    """Versions of Python, of the suite and of the packages that results may depend on, where installed."""
    found = {name: _version(name) for name in ("interpbench", *names)}
    return {"python": platform.python_version()} | {name: version for name, version in found.items() if version}


@cache
def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


@cache
def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next(
        (text.split(":", 1)[1].strip() for text in lines if text.startswith("model name")), platform.processor()
    )


def hardware() -> dict[str, Any]:
    """CPU name, usable cores, memory in bytes, platform and GPU (None: none is visible) of this machine."""
    gpus = sorted(str(path) for path in Path("/proc/driver/nvidia/gpus").glob("*"))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu_name(), "cores": cores, "memory_bytes": memory, "platform": platform.platform(),
        "gpu": f"{len(gpus)} NVIDIA" if gpus else None,
    }  # fmt: skip
