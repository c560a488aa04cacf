"""Pack a submission: a method's file, its records and answers on a track of a frozen suite, and their provenance."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.core import records
from bench.core.authoring import find_method
from bench.core.catalogue import read_tracks
from bench.core.collecting import joined_records
from bench.core.config import load_config
from bench.core.contract import BadInput, Unit
from bench.core.hashing import sha256_file
from bench.core.plan import Plan, plan_units
from bench.core.records import read_json, write_json
from bench.core.stages import execute
from bench.core.suites import NEXT, Suite, load_suite
from bench.core.worker import clear
from bench.submissions import provenance
from bench.submissions.folder import CONFIG, CRATE, LOCK, MANIFEST, RECORDS
from bench.submissions.manifest import Described, Statement, make_manifest, name_of


def frozen_suite(config: Mapping[str, Any], tracks: Mapping[str, Any], root: Path) -> Suite:
    """The config's suite, whole. Raises `BadInput` where it is not frozen or only some seeds of it are asked for."""
    suite = load_suite(config["suite"], tracks, root)
    if suite.name == NEXT:
        raise BadInput("suite: next is not frozen and changes; submit to a frozen one, for example suite=core")
    if config["seeds"] != "suite":
        raise BadInput(f"seeds: {config['seeds']} seeds are not the whole suite; leave seeds=suite")
    return suite


def submit(track: str, method: str, overrides: Mapping[str, Any], statement: Statement, out: Path, root: Path) -> Path:
    """Run what is not run yet and pack it below `out`; the new folder.

    Raises `BadInput` where a unit was skipped (its data are missing), and where the folder exists.
    """
    config = load_config({**overrides, "tracks": [track]}, root)
    tracks = read_tracks(root, config["plugin_paths"])
    known, plugin = find_method(tracks, track, method)
    if plugin.kind != "methods":
        raise BadInput(f"{method}: is a {plugin.kind[:-1]}; submit a method")
    suite = frozen_suite(config, tracks, root)
    folder = new_folder(out, name_of(statement, plugin.id))
    plan = plan_units(config, {track: known}, suite, root, only=plugin.id)
    (run, *_) = plan.stage("run")
    hashes = {"code": run.spec["code"], "environment": run.spec["lock"]}
    manifest = make_manifest(Described.of(plugin), known, suite, statement, hashes, root)
    document = plan.document()
    for job in plan.jobs:
        execute(document, dataclasses.asdict(job))
    joined = joined_records(document)
    refuse_skipped(joined)
    made = folder.with_name(f".{folder.name}.partial")
    clear(made)
    copy_file(plugin.path, made / "method" / f"{plugin.id}.py")
    copy_file(root / "envs" / f"{run.spec['environment']}.lock", made / LOCK)
    for key, place in unit_folders(plan).items():
        if (place / "answer").is_dir():
            copy_answer(place / "answer", answer_folder(made, key))
    return finish(made, folder, manifest, provenance.run_facts(config, root), joined)


def new_folder(out: Path, name: str) -> Path:
    if (out / name).exists():
        raise BadInput(f"{out / name}: exists; remove it, or submit on another day (what was merged never changes)")
    return out / name


def refuse_skipped(joined: list[dict[str, Any]]) -> None:
    skipped = [record for record in joined if record["status"] == "skipped"]
    if skipped:
        raise BadInput(
            f"{skipped[0]['task']}/{skipped[0]['instance']}: {len(skipped)} units were skipped "
            f"({skipped[0]['reason']}); provide the data and submit again"
        )


def unit_folders(plan: Plan) -> dict[str, Path]:
    """Unit to the folder that holds its record and answer."""
    return {
        key: Path(place) for job in plan.stage("run") for key, place in read_json(Path(job.output))["units"].items()
    }


def answer_folder(submission: Path, key: str) -> Path:
    return submission / answer_name(key)


def answer_name(key: str) -> str:
    """Where a unit's answer lies in a submission: without the track, which is the same for all."""
    unit = Unit.from_key(key)
    return f"answers/{unit.task}-v{unit.version}/{unit.instance}/{unit.seed}"


def copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def copy_answer(source: Path, target: Path) -> None:
    for path in sorted(source.iterdir()):
        copy_file(path, target / path.name)


def finish(
    made: Path, folder: Path, manifest: dict[str, Any], facts: Mapping[str, Any], joined: list[dict[str, Any]]
) -> Path:
    """Write records, provenance, crate and manifest, then put the folder in its place."""
    records.write_atomically(made / RECORDS, "".join(records.line(record) for record in joined))
    write_json(made / CONFIG, facts)
    manifest["files"] = checksums(made)
    write_json(made / CRATE, provenance.crate(manifest, facts, joined))
    manifest["files"] |= checksums(made, CRATE)
    write_json(made / MANIFEST, manifest)
    made.replace(folder)
    return folder


def checksums(folder: Path, pattern: str = "**/*") -> dict[str, dict[str, Any]]:
    return {
        path.relative_to(folder).as_posix(): {"sha256": sha256_file(path), "bytes": path.stat().st_size}
        for path in sorted(folder.glob(pattern))
        if path.is_file()
    }
