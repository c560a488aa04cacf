"""The manifest of a submission: made from a plan and what the submitter states, and read back as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bench.core import records
from bench.core.catalogue import Plugin, Track
from bench.core.config import check_schema
from bench.core.contract import CONTRACT_VERSION
from bench.core.hashing import code_hash, sha256_of
from bench.core.suites import Suite

METHOD = "method"


@dataclass(frozen=True)
class Statement:
    """What only the submitter can say."""

    handle: str
    authors: tuple[Mapping[str, str], ...]
    licence: str
    code: Mapping[str, str] | None  # url and commit
    training_data: str
    tuning: Mapping[str, Any]  # on, runs, description
    determinism: Mapping[str, Any]
    submitted: date


@dataclass(frozen=True)
class Described:
    """A method as the manifest names it: from its file's card, or as stated where there is no code."""

    id: str
    title: str
    description: str
    reference: str
    file: str | None

    @classmethod
    def of(cls, plugin: Plugin) -> Described:
        file = f"{METHOD}/{plugin.id}.py"
        return cls(plugin.id, plugin.title, plugin.description, str(plugin.facts["REFERENCE"]), file)


def suite_facts(suite: Suite, track: str) -> dict[str, Any]:
    """Label, number and hash of the units of one track of a suite."""
    keys = sorted(unit.key for unit in suite.units if unit.track == track)
    return {"label": suite.label, "units": len(keys), "sha256": sha256_of(keys)}


def types_hash(track: Track, root: Path) -> str:
    """What an answer's layout depends on: the closure of the track's types.py."""
    return code_hash([track.types], root)


def name_of(statement: Statement, method: str) -> str:
    return f"{statement.submitted.isoformat()}_{method}_{statement.handle}"


def make_manifest(
    described: Described, track: Track, suite: Suite, statement: Statement, hashes: Mapping[str, str], root: Path
) -> dict[str, Any]:
    """Everything of a manifest but its files. `hashes` are those of the run's code and environment.

    Raises `BadInput` where something that was stated breaks the schema.
    """
    made = {
        "schema": 1, "name": name_of(statement, described.id), "submitted": statement.submitted.isoformat(),
        "handle": statement.handle, "authors": [dict(author) for author in statement.authors],
        "licence": statement.licence, "code": dict(statement.code) if statement.code else None,
        "method": {
            "id": described.id, "title": described.title, "description": described.description,
            "reference": described.reference, "track": track.id, "file": described.file,
            "determinism": dict(statement.determinism),
        },
        "suite": suite_facts(suite, track.id),
        "hashes": {
            "contract": CONTRACT_VERSION, "interpbench": records.versions(()).get("interpbench", "unknown"),
            "types": types_hash(track, root), **hashes,
        },
        "training_data": statement.training_data, "tuning": dict(statement.tuning), "hardware": records.hardware(),
        "files": {},
    }  # fmt: skip
    check_schema(made, "submission", "manifest", root)
    return made
