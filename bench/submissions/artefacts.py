"""Answers without code: problems handed out as folders, and answers of any language or closed method packed.

A problem and an answer are folders with `arrays.safetensors` and `meta.json`, below
`<task>-v<version>/<instance>/<seed>`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.core import store
from bench.core.answers import Refused, blob_names, copy_answer
from bench.core.catalogue import Track, pick, read_tracks
from bench.core.child import load_types
from bench.core.config import load_config
from bench.core.contract import CONTRACT_VERSION, BadInput, InvalidAnswer, Unit
from bench.core.hashing import sha256_of
from bench.core.plan import Plan, plan_units
from bench.core.records import SCHEMA_VERSION
from bench.core.scoring import planned_entries
from bench.core.stages import execute
from bench.core.worker import clear
from bench.submissions import provenance
from bench.submissions.check import run_hash
from bench.submissions.folder import ANSWER_BYTES
from bench.submissions.manifest import Described, Statement, make_manifest, name_of
from bench.submissions.pack import answer_folder, answer_name, copy_file, finish, frozen_suite, new_folder
from bench.submissions.scores import NOBODY

NOT_STATED = {"cpu": "not stated", "cores": 0, "memory_bytes": 0, "platform": "not stated", "gpu": None}
UNKNOWN_ENVIRONMENT = sha256_of("the environment of a method that was not submitted")


def problems_of(track: str, overrides: Mapping[str, Any], root: Path) -> tuple[Plan, Track, dict[str, Any]]:
    """Plan, track and problem entries of one track of a frozen suite, its problems made.

    Raises `BadInput` where data are missing.
    """
    config = load_config({**overrides, "tracks": [track]}, root)
    tracks = read_tracks(root, config["plugin_paths"])
    known = tracks[pick(track, tracks, "track")]
    plan = plan_units(config, {track: known}, frozen_suite(config, tracks, root), root, only=NOBODY)
    document = plan.document()
    for stage in ("data", "problems"):
        for job in plan.stage(stage):
            execute(document, dataclasses.asdict(job))
    (score,) = plan.stage("score")
    entries = planned_entries(score.spec)
    for key, entry in entries.items():
        if "skipped" in entry:
            raise BadInput(f"{key}: its problem cannot be made ({entry['skipped']}); provide the data")
    return plan, known, entries


def export_problems(track: str, overrides: Mapping[str, Any], out: Path, root: Path) -> int:
    """Copy every problem of a track of a frozen suite below `out`, without any truth; how many there are."""
    _, _, entries = problems_of(track, overrides, root)
    for key, entry in entries.items():
        target = out / answer_name(key).removeprefix("answers/")
        clear(target)
        target.mkdir(parents=True)
        for path in sorted(Path(entry["problem"]).iterdir()):
            copy_file(path, target / path.name)
    return len(entries)


def submit_answers(
    track: str, described: Described, given: Path, overrides: Mapping[str, Any], statement: Statement, out: Path,
    root: Path,
) -> Path:  # fmt: skip
    """Pack the answers below `given`, each checked against its problem; a unit without one counts as failed.

    Raises `BadInput` on the first answer that is not valid, and where there is none at all.
    """
    plan, known, entries = problems_of(track, overrides, root)
    folder = new_folder(out, name_of(statement, described.id))
    made = folder.with_name(f".{folder.name}.partial")
    clear(made)
    found = {key: checksum for key, checksum in _take_all(known, given, made, entries) if checksum}
    if not found:
        place = answer_name(min(entries)).removeprefix("answers/")
        raise BadInput(f"{given}: holds no answer; put one at {place}/meta.json and arrays.safetensors, say")
    hashes = {"code": sha256_of(sorted(found.items())), "environment": UNKNOWN_ENVIRONMENT}
    manifest = make_manifest(described, known, plan.suite, statement, hashes, root) | {"hardware": NOT_STATED}
    run = {"contract": CONTRACT_VERSION, **hashes}
    units = {unit.key: unit for unit in plan.suite.units}
    joined = [
        _record(units[key], known, described.id, entries[key], found.get(key), run) | {"suite": plan.suite.label}
        for key in sorted(entries)
    ]
    return finish(made, folder, manifest, provenance.run_facts(plan.config, root), joined)


def _take_all(known: Track, given: Path, made: Path, entries: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Unit and checksum of its answer (None: there is none), each copied below `made` and checked."""
    types = load_types(known.types)
    for key, entry in sorted(entries.items()):
        source, target = given / answer_name(key).removeprefix("answers/"), answer_folder(made, key)
        if not source.is_dir():
            yield key, None
            continue
        target.mkdir(parents=True)
        try:
            copy_answer(source, target, blob_names(types.Answer), ANSWER_BYTES)
            problem = store.read(types.Problem, Path(entry["problem"]), key)
            types.check(problem, store.read(types.Answer, target, key))
        except (InvalidAnswer, Refused, OSError) as error:
            raise BadInput(f"{source}: is no valid answer ({error}); mend or remove it") from error
        yield key, store.checksum(target)


def _record(
    unit: Unit, known: Track, method: str, entry: Mapping[str, Any], checksum: str | None, hashes: Mapping[str, Any]
) -> dict[str, Any]:
    """A run record of an answer that was not made here: no time, no memory, no protections."""
    task = known.tasks[unit.task]
    instance = task.facts["INSTANCES"][unit.instance]
    return {
        "schema": SCHEMA_VERSION, "track": unit.track, "task": unit.task, "task_version": unit.version,
        "instance": unit.instance, "seed": unit.seed, "null": instance["null"], "board": task.facts["BOARD"],
        "size": instance["size"], "method": method, "kind": "method", "status": "ok" if checksum else "no_answer",
        "reason": "" if checksum else "no answer was submitted", "log_tail": "",
        "run_hash": run_hash(hashes, unit.key, entry["problem_sha256"]), "problem_sha256": entry["problem_sha256"],
        "answer_sha256": checksum, "environment_sha256": hashes["environment"], "versions": {},
        "hardware": NOT_STATED, "protections": ["not run here"], "wall_seconds": 0.0, "cpu_seconds": 0.0,
        "peak_memory_bytes": 0, "calibration_seconds": None, "passes": None, "started": "", "score": None,
    }  # fmt: skip
