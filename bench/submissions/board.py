"""What the page shows of submissions: the tier of each, its scores by our scorer, and its public-hidden gap.

self-reported: something of it cannot be confirmed here; listed, and on no board. checked: its answers were scored by
our scorer. verified: it was executed again and agreed on the public units; where a task has hidden ones it has a score
there.
"""

from __future__ import annotations

import dataclasses
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.core import records
from bench.core.config import check_schema
from bench.core.contract import BadInput
from bench.core.progress import reporter
from bench.core.records import read_json, write_json
from bench.submissions.check import Checked, check
from bench.submissions.folder import MANIFEST, STATUS, parse, read_bytes, sha256
from bench.submissions.rounds import read_round, rounds_folder, seal
from bench.submissions.scores import place_of, score_answers

LISTED = ("name", "submitted", "handle", "authors", "licence", "code", "training_data", "tuning", "hashes")


def execute(document: Mapping[str, Any], job: Mapping[str, Any]) -> None:
    """The submission stage: check one submission, score its answers, and write how it stands."""
    root, folder = Path(document["root"]), Path(job["spec"]["folder"])
    seen = check(folder, root)
    entry, joined = stand(seen, job["spec"], document["config"], reporter(f"submission {job['name']}"))
    place = None
    if joined:
        place = place_of(seen, document["config"])
        records.write_atomically(place / "joined.jsonl", "".join(map(records.line, joined)))
    write_json(Path(job["output"]), {"entry": entry, "place": str(place) if place else None})


def stand(
    seen: Checked, spec: Mapping[str, Any], config: Mapping[str, Any], progress: Any
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A submission's entry on the page, and its joined records under its own name; none where it is on no board."""
    name = seen.folder.name
    entry = {"name": name, "tier": "self-reported", "reason": "", "suite": None, "track": spec["track"],
             "verification": None} | _stated(seen)  # fmt: skip
    if seen.faults:
        return entry | {"reason": f"{len(seen.faults)} faults, the first: {seen.faults[0]}"}, []
    if STATUS in seen.found:
        withdrawn = parse(read_bytes(seen.folder, STATUS))
        return entry | {"tier": "withdrawn", "reason": f"{withdrawn['reason']} ({withdrawn['date']})"}, []
    try:
        joined, faults = score_answers(seen, spec, config, progress)
    except BadInput as error:
        return entry | {"reason": str(error)}, []
    if faults:
        return entry | {"reason": f"scores that are not ours: {len(faults)}, the first: {faults[0]}"}, []
    joined = [{**record, "method": name} for record in joined]
    return entry | tier(seen, verifications(name, seen.root)), joined


def _stated(seen: Checked) -> dict[str, Any]:
    """What the submitter states, as far as the manifest keeps its schema."""
    manifest = seen.manifest
    if any(fault.file == MANIFEST for fault in seen.faults):
        return {"title": seen.folder.name, "method": {}, **dict.fromkeys(LISTED[1:])}
    stated = {name: manifest[name] for name in LISTED if name != "name"}
    return stated | {"title": manifest["method"]["title"], "method": manifest["method"],
                     "suite": manifest["suite"]["label"]}  # fmt: skip


def verifications(name: str, root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every verification record of a submission with what keeps it from being believed ('' where nothing does)."""
    for path in sorted(rounds_folder(root).glob(f"*/{name}.json")):
        record = read_json(path)
        try:
            check_schema(record, "verification", str(path))
            known = read_round(path.parent.name, root)
        except BadInput as error:
            yield str(error), record
            continue
        if record["round"] != known.name or record["key_sha256"] != known.content["key_sha256"]:
            yield f"{path}: speaks of another round", record
        elif known.key is not None and not hmac.compare_digest(seal(known.key, record), record["seal"]):
            yield f"{path}: its seal was not made with the round's key", record
        else:
            yield "", {**record, "revealed": known.revealed}


def tier(seen: Checked, found: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Tier, reason and the newest verification of a submission whose scores are ours."""
    standing: dict[str, Any] = {"tier": "checked", "reason": "", "verification": None}
    if seen.manifest["method"]["file"] is None:
        standing["reason"] = "answers without code"
    newest = ""
    for fault, record in found:
        if not fault and record["manifest_sha256"] != sha256(seen.folder, MANIFEST):
            fault = f"round {record['round']}: speaks of another manifest"
        if fault:
            standing |= {"reason": fault}
        elif record["made"] >= newest:
            newest = record["made"]
            standing |= _verified(record)
    return standing


def _verified(record: Mapping[str, Any]) -> dict[str, Any]:
    wrong = record["public"]["disagreements"]
    kept = {name: record[name] for name in ("round", "made", "revealed", "scores", "protections")}
    kept |= {"without": record["hidden"]["without"], "hidden_units": len(record["hidden"]["units"])}
    if record["agrees"]:
        return {"tier": "verified", "reason": "", "verification": kept}
    differing = f"{len(wrong)} of {record['public']['units']} public units differ"
    reason = f"executed again, {differing} (round {record['round']})"
    return {"tier": "checked", "reason": reason, "verification": kept}


# --- for the page -------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Entry:
    """One submission as the page knows it, and the file of its joined records."""

    content: Mapping[str, Any]
    records: Path | None


def entries(document: Mapping[str, Any]) -> list[Entry]:
    """The submissions of a plan, as their jobs left them, in order by name."""
    jobs = [job for job in document["jobs"].values() if job["stage"] == "submission"]
    made = [read_json(Path(job["output"])) for job in jobs]
    found = [Entry(one["entry"], Path(one["place"]) / "joined.jsonl" if one["place"] else None) for one in made]
    return sorted(found, key=lambda entry: entry.content["name"])


def with_cards(catalogue: Mapping[str, Any], found: Sequence[Entry]) -> dict[str, Any]:
    """The catalogue with the submissions, and a method's card for each that is on a board."""
    tracks = {name: {**track, "methods": dict(track["methods"])} for name, track in catalogue["tracks"].items()}
    for entry in found:
        if entry.records is not None:
            content = entry.content
            card = {name: content["method"][name] for name in ("title", "description", "reference")}
            tracks[content["track"]]["methods"][content["name"]] = {
                "id": content["name"], **card, "submission": dict(content),
            }  # fmt: skip
    return {**catalogue, "tracks": tracks, "submissions": [dict(entry.content) for entry in found]}


def joined(found: Iterable[Entry]) -> list[dict[str, Any]]:
    """The joined records of all submissions that are on a board."""
    paths = [entry.records for entry in found if entry.records is not None]
    return [parse(line.encode()) for path in paths for line in path.read_text().splitlines()]
