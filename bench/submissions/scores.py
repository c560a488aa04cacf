"""Score a submission's answers by our scorer: its own copies, our problems and truths, no foreign code."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.core import records, scoring, store
from bench.core.child import load_types
from bench.core.collecting import scored_records
from bench.core.config import load_config
from bench.core.contract import BadInput, InvalidAnswer
from bench.core.plan import SHORT, plan_units
from bench.core.records import RUN, write_json
from bench.core.stages import execute
from bench.core.worker import clear
from bench.submissions.check import Checked, key_of, take_answer
from bench.submissions.folder import MANIFEST, RECORDS, Fault, sha256
from bench.submissions.pack import answer_name

AGREEMENT = 1e-9  # of a metric's span: declared and recomputed scores differ by rounding alone
NOBODY = "(nobody)"  # plans problems and scores without a run


def rescore(seen: Checked, overrides: Mapping[str, Any], root: Path) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Joined records with our scores, and a fault wherever the declared one differs. Problems are made if need be."""
    config = load_config({**overrides, "suite": seen.manifest["suite"]["label"]}, root)
    assert seen.track is not None
    only_track = {**config, "tracks": [seen.track.id]}
    plan = plan_units(only_track, {seen.track.id: seen.track}, seen.suite, root, only=NOBODY)
    document = plan.document()
    for stage in ("data", "problems"):
        for job in plan.stage(stage):
            execute(document, dataclasses.asdict(job))
    (job,) = plan.stage("score")
    return score_answers(seen, dict(job.spec), config, lambda done, of: None)


def score_answers(
    seen: Checked, spec: Mapping[str, Any], config: Mapping[str, Any], progress: Callable[[int, int], None]
) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Score copies of the answers under a score job's `spec`, whose problems are made."""
    place = place_of(seen, config)
    entries = scoring.planned_entries(spec)
    folders = {key_of(record): place / key_of(record) for _, record in seen.records}
    faults = [fault for number, record in seen.records for fault in _take(seen, record, number, folders, entries)]
    write_json(place / "units.json", {"units": {key: str(folder) for key, folder in folders.items()}})
    spec = {**spec, "runs": [str(place / "units.json")]}
    scoring.score(spec, config, place / "scored.json", progress)
    joined = sorted(scored_records(spec, seen.manifest["suite"]["label"]), key=key_of)
    declared = {key_of(record): (number, record) for number, record in seen.records}
    for record in joined:
        number, stated = declared[key_of(record)]
        faults += [Fault(RECORDS, number, what, "submit the scores of this checkout's scorer")
                   for what in differences(stated["score"], record["score"])]  # fmt: skip
    return joined, faults


def place_of(seen: Checked, config: Mapping[str, Any]) -> Path:
    """Where our copies of a submission's answers lie."""
    digest = sha256(seen.folder, MANIFEST)[:SHORT]
    return Path(config["results"]) / "submissions" / seen.manifest["name"] / digest


def _take(
    seen: Checked, record: Mapping[str, Any], number: int, folders: Mapping[str, Path], entries: Mapping[str, Any]
) -> Iterator[Fault]:
    """Copy one record and its answer to our side, once. An answer that its problem refuses becomes a failed unit."""
    key = key_of(record)
    folder, entry = folders[key], entries[key]
    clear(folder)
    folder.mkdir(parents=True)
    plain = {name: value for name, value in record.items() if name not in ("suite", "score")}
    if record["status"] == "ok":
        take_answer(seen, answer_name(key), _made(folder / "answer"))
        refusal = _refusal(seen, entry, folder / "answer", key)
        if refusal:
            yield Fault(RECORDS, number, f"{key}: its answer is not valid: {refusal}", "record it as invalid_answer")
            plain |= {"status": "invalid_answer", "reason": refusal, "answer_sha256": None}
    records.append(folder / RUN, plain, "record")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _refusal(seen: Checked, entry: Mapping[str, Any], folder: Path, key: str) -> str | None:
    """Why an answer does not fit its problem, as the supervisor would say; None where it does.

    Raises `BadInput` where the problem cannot be made here.
    """
    if "skipped" in entry:
        raise BadInput(f"{key}: cannot be scored here: {entry['skipped']}; provide the data and check again")
    types = load_types(seen.track.types) if seen.track else seen.types
    problem = store.read(types.Problem, Path(entry["problem"]), key)
    try:
        types.check(problem, store.read(types.Answer, folder, key))
    except InvalidAnswer as error:
        return str(error)
    except Exception as error:  # as in `bench.core.answers`: an untrusted answer can raise anything
        return f"{type(error).__name__}: {error}"
    return None


def differences(stated: Mapping[str, Any] | None, ours: Mapping[str, Any] | None) -> Iterator[str]:
    """Where a declared score is not ours. Scores of other score code or of another truth are replaced, not compared."""
    if stated is None or ours is None:
        return
    if any(stated[name] != ours[name] for name in ("score_hash", "truth_sha256")):
        return
    for metric, entry in ours["metrics"].items():
        for name in ("value", "floor", "ceiling"):
            declared = stated["metrics"].get(metric, {}).get(name)
            if not close(declared, entry[name], entry, AGREEMENT):
                yield f"{metric}: the declared {name} is {declared}, our scorer gives {entry[name]}"


def close(first: float | None, second: float | None, entry: Mapping[str, Any], share: float) -> bool:
    """Whether two values of a metric differ by no more than a share of its span (without one, of the larger one)."""
    if first is None or second is None:
        return first is second
    floor, ceiling = entry["floor"], entry["ceiling"]
    span = abs(ceiling - floor) if floor is not None and ceiling is not None else 0.0
    return math.isclose(first, second, rel_tol=share, abs_tol=share * span)
