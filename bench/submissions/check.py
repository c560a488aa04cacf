"""Check a submission without running a line of it: every fault with its file, its line and a remedy.

The same code runs by hand and on a pull request. It opens safetensors and JSON (and parses the method's file, which it
never executes), follows no link, and reads nothing that is larger than its limit.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema

from bench.core import child, store
from bench.core.answers import Refused, blob_names, copy_answer
from bench.core.catalogue import Track, read_plugin, read_tracks
from bench.core.config import schema
from bench.core.contract import CONTRACT_VERSION, BadInput, Unit
from bench.core.hashing import sha256_of
from bench.core.running import answer_checksum
from bench.core.suites import Suite, load_suite
from bench.submissions import folder as files
from bench.submissions.folder import CONFIG, CRATE, LOCK, MANIFEST, RECORDS, STATUS, Fault, Unreadable, printable
from bench.submissions.manifest import METHOD, suite_facts, types_hash
from bench.submissions.pack import answer_name
from bench.submissions.provenance import crate_faults

NEEDED = (MANIFEST, RECORDS, CRATE, CONFIG)
AGAIN = "pack the submission again with `interpbench submit`"


@dataclass(frozen=True)
class Checked:
    """A submission's folder with what was read from it; `faults` is empty where it may be believed so far."""

    folder: Path
    root: Path
    faults: list[Fault] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    records: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    @cached_property
    def track(self) -> Track | None:
        return read_tracks(self.root).get(self.manifest["method"]["track"])

    @cached_property
    def suite(self) -> Suite:
        return load_suite(self.manifest["suite"]["label"], read_tracks(self.root), self.root)

    @cached_property
    def units(self) -> dict[str, Unit]:
        return {unit.key: unit for unit in self.suite.units if unit.track == self.manifest["method"]["track"]}

    @cached_property
    def types(self) -> Any:
        assert self.track is not None
        return child.load_types(self.track.types)

    def add(self, file: str, line: int, what: str, remedy: str = AGAIN) -> None:
        self.faults.append(Fault(printable(file), line, what, remedy))


def check(folder: Path, root: Path) -> Checked:
    """Everything that can be seen in a submission's folder. Raises `BadInput` where there is no such folder."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: is no folder; name the folder of a submission, with its {MANIFEST}")
    seen = Checked(folder, root)
    if folder.is_symlink():
        seen.add(".", 0, "is a link", "put the folder itself here")
        return seen
    found, faults = files.inventory(folder)
    seen.found.update(found)
    seen.faults.extend(faults)
    for name in NEEDED:
        if name not in found:
            seen.add(name, 0, "is missing")
    _check_status(seen)
    sound = _read_manifest(seen)
    for look, needed in LOOKS:
        if needed <= sound:
            look(seen)
    seen.faults.sort()
    return seen


def _json(seen: Checked, name: str) -> tuple[bytes, Any]:
    """A JSON file of the submission, or a fault and None."""
    try:
        data = files.read_bytes(seen.folder, name)
        return data, files.parse(data)
    except Unreadable as error:
        if name in seen.found:
            seen.add(name, 0, str(error))
        return b"", None


def _read_manifest(seen: Checked) -> set[str]:
    """Read the manifest; the fields that are there and keep its schema."""
    data, value = _json(seen, MANIFEST)
    faults = list(files.schema_faults(value, "submission")) if data else []
    for place, what in faults:
        seen.add(MANIFEST, files.line_of(data, place), what, "mend that field, or pack the submission again")
    if isinstance(value, dict):
        seen.manifest.update(value)
    return set(seen.manifest) - {str(place[0]) for place, _ in faults if place}


def _check_place(seen: Checked) -> None:
    """Name, day, method and handle say the same in the manifest and in the folder's name."""
    manifest = seen.manifest
    wanted = f"{manifest['submitted']}_{manifest['method']['id']}_{manifest['handle']}"
    for what, name in (("the manifest's name", manifest["name"]), ("the folder", seen.folder.resolve().name)):
        if name != wanted:
            seen.add(MANIFEST, 0, f"{what} is {printable(name)}, its fields say {wanted}", f"name it {wanted}")


def _check_files(seen: Checked) -> None:
    """The files are those of the manifest, byte by byte, and of the kinds that a submission has."""
    listed, file = seen.manifest["files"], seen.manifest["method"]["file"]
    known = {MANIFEST, RECORDS, CRATE, CONFIG, LOCK, STATUS, file}
    for name, size in sorted(seen.found.items()):
        if name not in known and not name.startswith("answers/"):
            seen.add(name, 0, "is no part of a submission", "remove it")
        elif name not in listed and name not in (MANIFEST, STATUS):
            seen.add(name, 0, f"is not listed in {MANIFEST}", f"remove it, or {AGAIN}")
        elif name in listed and size != listed[name]["bytes"]:
            seen.add(name, 0, f"has {size:,} bytes, {MANIFEST} says {listed[name]['bytes']:,}")
        elif name in listed and size <= files.RECORDS_BYTES and _sha256(seen, name) != listed[name]["sha256"]:
            seen.add(name, 0, f"is not the file whose SHA-256 {MANIFEST} states")
    for name in sorted(set(listed) - set(seen.found)):
        seen.add(name, 0, f"is listed in {MANIFEST} and missing")


def _sha256(seen: Checked, name: str) -> str:
    try:
        return files.sha256(seen.folder, name)
    except Unreadable as error:  # it changed since the inventory
        return str(error)


def _check_method(seen: Checked) -> None:
    """A code submission has one parseable method file and its lock; one without code has neither and says so."""
    method = seen.manifest["method"]
    determinism = method["determinism"]["kind"]
    if method["file"] is None:
        if determinism != "not_repeatable":
            seen.add(MANIFEST, 0, f"determinism is {determinism} without code", 'state {"kind": "not_repeatable"}')
        return
    if determinism == "not_repeatable":
        seen.add(MANIFEST, 0, "determinism is not_repeatable though there is code", 'state {"kind": "identical"}')
    if method["file"] != f"{METHOD}/{method['id']}.py":
        seen.add(MANIFEST, 0, f"method.file is {method['file']}", f"call it {METHOD}/{method['id']}.py")
    for name in (method["file"], LOCK):
        if name not in seen.found:
            seen.add(name, 0, "is missing")
    if method["file"] in seen.found:
        _parse_method(seen, method["file"])


def _parse_method(seen: Checked, name: str) -> None:
    """Read a copy of the method's file as a method author's own would be read; it is parsed, never executed."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / Path(name).name
        try:
            copy.write_bytes(files.read_bytes(seen.folder, name, files.MEBIBYTE))
            read_plugin(copy, "methods", seen.manifest["method"]["track"])
        except BadInput as error:
            seen.add(name, 0, printable(str(error).replace(f"{copy}: ", "")))
        except (Unreadable, ValueError, RecursionError, MemoryError) as error:  # what Python's parser raises
            seen.add(name, 0, f"cannot be parsed ({printable(str(error))})", "submit a plain Python file below 1 MiB")


def _check_crate(seen: Checked) -> None:
    _, content = _json(seen, CRATE)
    listed = [MANIFEST, *(name for name in seen.manifest["files"] if name != CRATE)]
    if content is not None:
        for what in crate_faults(content, listed):
            seen.add(CRATE, 0, printable(what))


def _check_status(seen: Checked) -> None:
    if STATUS in seen.found:
        data, value = _json(seen, STATUS)
        for place, what in files.schema_faults(value, "withdrawal") if data else ():
            seen.add(STATUS, files.line_of(data, place), what, "state status, date and reason, or remove the file")


def _check_answered(seen: Checked) -> None:
    """Records and answers, where track and suite are known here and are those that the answers were made for."""
    if _check_suite(seen):
        _read_records(seen)
        _check_units(seen)
        _check_answers(seen)


def _check_suite(seen: Checked) -> bool:
    stated, hashes = seen.manifest["suite"], seen.manifest["hashes"]
    if seen.track is None:
        seen.add(MANIFEST, 0, f"track {seen.manifest['method']['track']} is not known", "name one of this checkout")
        return False
    try:
        facts = suite_facts(seen.suite, seen.track.id)
    except BadInput as error:
        seen.add(MANIFEST, 0, printable(str(error)), "submit to a suite of this checkout")
        return False
    if seen.manifest["method"]["id"] in {**seen.track.controls, **seen.track.mutants}:
        what = f"method.id is {seen.manifest['method']['id']}, a control or mutant of {seen.track.id}"
        seen.add(MANIFEST, 0, what, "give the method an id of its own")  # else one's records could pass for the other's
    if not seen.units:
        seen.add(MANIFEST, 0, f"suite {stated['label']} has no unit of {seen.track.id}", "name a suite that has")
    if seen.units and facts != stated:
        what = f"suite {stated['label']} has other units here ({facts['units']}, stated are {stated['units']})"
        seen.add(MANIFEST, 0, what, "run the suite of this checkout")
    if hashes["contract"] != CONTRACT_VERSION:
        seen.add(MANIFEST, 0, f"contract {hashes['contract']} is not {CONTRACT_VERSION}", "run it with this checkout")
    if hashes["types"] != types_hash(seen.track, seen.root):
        seen.add(MANIFEST, 0, f"the types of {seen.track.id} are others here", "run it with this checkout's types.py")
    return bool(seen.units)


# --- records ------------------------------------------------------------------------------------------------------


def _read_records(seen: Checked) -> None:
    """Parse every line and check it against the schemas; what passes is kept with its line number."""
    try:
        lines = files.read_bytes(seen.folder, RECORDS, files.RECORDS_BYTES).split(b"\n")
    except Unreadable as error:
        if RECORDS in seen.found:
            seen.add(RECORDS, 0, str(error))
        return
    validators = [jsonschema.Draft202012Validator(schema(name)) for name in ("record", "score")]
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                record = files.parse(line)
            except Unreadable as error:
                seen.add(RECORDS, number, str(error))
                continue
            faults = list(_line_faults(record, *validators))
            for what in faults:
                seen.add(RECORDS, number, what)
            if not faults:
                seen.records.append((number, record))


def _line_faults(record: Any, run: Any, score: Any) -> Iterator[str]:
    if not isinstance(record, dict) or not {"suite", "score"} <= record.keys():
        yield "is not a run record with suite and score"
        return
    plain = {name: value for name, value in record.items() if name not in ("suite", "score")}
    for fault in run.iter_errors(plain):
        yield f"{'.'.join(map(str, fault.absolute_path)) or 'the record'}: {printable(fault.message)}"
    for fault in score.iter_errors(record["score"]) if record["score"] is not None else ():
        yield f"score.{'.'.join(map(str, fault.absolute_path))}: {printable(fault.message)}"


def key_of(record: Mapping[str, Any]) -> str:
    names = ("track", "task", "task_version", "instance", "seed")
    return Unit(*(record[name] for name in names)).key


def _check_units(seen: Checked) -> None:
    """Each unit of the suite has one record, which speaks of this method and of its own answer."""
    for number, record in seen.records:
        for what in _record_faults(seen, record):
            seen.add(RECORDS, number, what)
    counts = Counter(key_of(record) for _, record in seen.records)
    last = max((number for number, _ in seen.records), default=0)
    for key in sorted(seen.units.keys() - counts.keys()):
        seen.add(RECORDS, last, f"has no record of {key}", "record it, as an error or no_answer where it failed")
    for key, count in sorted(counts.items()):
        if count > 1:
            seen.add(RECORDS, last, f"has {count} records of {printable(key)}", "keep one")


def _record_faults(seen: Checked, record: Mapping[str, Any]) -> Iterator[str]:
    manifest, key = seen.manifest, key_of(record)
    if key not in seen.units:
        yield f"{printable(key)} is no unit of {manifest['suite']['label']}"
        return
    expected = {
        "suite": manifest["suite"]["label"], "method": manifest["method"]["id"], "kind": "method",
        "environment_sha256": manifest["hashes"]["environment"], **unit_facts(seen, key),
        "run_hash": run_hash(manifest["hashes"], key, record["problem_sha256"]),
    }  # fmt: skip
    for name, value in expected.items():
        if record[name] != value:
            yield f"{name} is {printable(repr(record[name]))}, expected {value!r}"
    if record["status"] == "skipped":
        yield "status is skipped, which would take the unit off for all methods"
    score = record["score"]
    if score is not None and (record["status"] != "ok" or score["answer_sha256"] != record["answer_sha256"]):
        yield "its score speaks of another answer"
    if (record["answer_sha256"] is not None) != (record["status"] == "ok"):
        yield f"status {record['status']} and answer_sha256 do not agree"


def unit_facts(seen: Checked, key: str) -> dict[str, Any]:
    unit = seen.units[key]
    assert seen.track is not None
    task = seen.track.tasks[unit.task]
    instance = task.facts["INSTANCES"][unit.instance]
    return {"null": instance["null"], "board": task.facts["BOARD"], "size": instance["size"]}


def run_hash(hashes: Mapping[str, Any], key: str, problem_sha256: str | None) -> str:
    """The identity of a run as `bench.core.running` makes it, from the manifest's hashes."""
    return sha256_of([hashes["contract"], hashes["code"], hashes["environment"], key, problem_sha256, None])


# --- answers ------------------------------------------------------------------------------------------------------


def _check_answers(seen: Checked) -> None:
    """Each recorded answer is there, is the recorded one, and is an Answer of the track; no other lies beside them."""
    places: dict[str, int | None] = {answer_name(key): None for key in seen.units}
    for number, record in seen.records:
        place = answer_name(key_of(record))
        places[place] = number if record["status"] == "ok" else None
        if record["status"] == "ok" and key_of(record) in seen.units:
            fault = answer_fault(seen, place, record["answer_sha256"])
            if fault:
                seen.add(place, 0, fault, f"{AGAIN} ({RECORDS}:{number} speaks of it)")
    for name in seen.found:
        if name.startswith("answers/") and places.get(name.rpartition("/")[0]) is None:
            seen.add(name, 0, "belongs to no record with status ok", "remove it")


def answer_fault(seen: Checked, place: str, recorded: str) -> str | None:
    """Why an answer is not the recorded Answer of its track, or None."""
    with tempfile.TemporaryDirectory() as work:
        try:
            take_answer(seen, place, Path(work))
            if answer_checksum(Path(work)) != recorded:
                return "is not the answer whose checksum its record states"
            store.read(seen.types.Answer, Path(work), place)
        except FileNotFoundError as error:
            return f"has no {Path(error.filename).name}"
        except Refused as error:
            return str(error)
        except Exception as error:  # data of an untrusted author can raise anything; it is that answer's fault
            return printable(f"{type(error).__name__}: {error}")
    return None


def take_answer(seen: Checked, place: str, target: Path) -> None:
    """Copy an answer's regular files of bounded size out of the submission. Raises `Refused` or `FileNotFoundError`."""
    blobs = blob_names(seen.types.Answer)
    allowed = {store.META, store.ARRAYS, *blobs}
    mine = [name.rpartition("/")[2] for name in seen.found if name.rpartition("/")[0] == place]
    extra = sorted(set(mine) - allowed)
    if extra:
        raise Refused(f"holds {printable(extra[0])}; an answer is {store.ARRAYS} and {store.META}")
    copy_answer(seen.folder / place, target, blobs, files.ANSWER_BYTES)


LOOKS = (  # each with the fields of the manifest without which it cannot be taken
    (_check_place, {"name", "submitted", "method", "handle"}),
    (_check_files, {"files", "method"}),
    (_check_method, {"method"}),
    (_check_crate, {"files"}),
    (_check_answered, {"method", "suite", "hashes"}),
)
