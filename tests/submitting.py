"""A submission of the toy track's mean, packed by the real command, for tests to check and to tamper with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.core.hashing import sha256_file
from bench.submissions import rounds

if TYPE_CHECKING:
    from tests.conftest import Copy

STATED = (
    "--handle", "ada", "--author", "Ada Example; Nowhere", "--licence", "Apache-2.0", "--training-data", "none",
    "--code-url", "https://example.org/ada/mean", "--code-commit", "abcdef1", "--tuned-on", "nothing",
)  # fmt: skip
SUITE = ("--config", "suite=toy")


def freeze(suite: Copy) -> None:
    done = suite.bench("freeze", "toy", "--description", "the toy track")
    assert done.returncode == 0, done.stderr


def submit(suite: Copy, method: str = "mean", *more: str) -> Path:
    """The folder of a new submission of the toy track."""
    done = suite.bench("submit", "toy", method, *STATED, *more, *SUITE)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(done.stdout.splitlines()[0])


def tampered(source: Path, target: Path) -> Path:
    """A copy of a submission, in a folder of the same name, that may be changed."""
    folder = target / source.name
    shutil.copytree(source, folder, symlinks=True)
    return folder


def edit_json(path: Path, change: Callable[[Any], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


def edit_record(folder: Path, number: int, change: Callable[[Any], object]) -> None:
    """Change one line of the records (1 is the first) and own up to it in the manifest."""
    path = folder / "records.jsonl"
    lines = path.read_text().splitlines()
    record = json.loads(lines[number - 1])
    change(record)
    path.write_text("".join(f"{line}\n" for line in [*lines[: number - 1], json.dumps(record), *lines[number:]]))
    own_up(folder, "records.jsonl")


def own_up(folder: Path, name: str) -> None:
    """State a changed or new file's checksum in the manifest, as a careful forger would."""
    size, digest = (folder / name).stat().st_size, sha256_file(folder / name)
    edit_json(folder / "manifest.json", lambda m: m["files"].update({name: {"bytes": size, "sha256": digest}}))


def verification(known: Any, **fields: Any) -> dict[str, Any]:
    """A made-up verification record of a round, sealed with its key."""
    estimate = {"mean": 0.7, "low": 0.6, "high": 0.8, "draws": 6, "reason": ""}
    record = {
        "schema": 1, "submission": "2026-01-02_mean_ada", "manifest_sha256": "0" * 64, "round": known.name,
        "key_sha256": known.content["key_sha256"], "made": "2026-01-03", "track": "toy", "suite": "toy-1",
        "agrees": True, "public": {"units": 9, "determinism": {"kind": "identical"}, "disagreements": []},
        "hidden": {"units": [], "without": {"fixed": "a seed changes nothing"}},
        "scores": {"public": estimate, "hidden": estimate, "gap": {**estimate, "mean": 0.1, "low": 0.05, "high": 0.15}},
        "protections": ["bubblewrap"], "hardware": {}, "versions": {},
    } | fields  # fmt: skip
    return record | {"seal": rounds.seal(known.secret(), record)}
