"""The collect stage: run records joined with their scores, one JSON line each, and the same as a parquet table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bench.core import pictures, records
from bench.core.contract import BadInput
from bench.core.records import RUN, SCORE, write_atomically
from bench.core.scoring import floor_draws, planned_entries, planned_scores, score_hash

ORDER = ("track", "method", "task", "instance", "seed")


def joined_records(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every planned unit's newest run record with the score record of its answer under the current score code."""
    found: list[dict[str, Any]] = []
    for job in document["jobs"].values():
        if job["stage"] == "score":
            found += scored_records(job["spec"], document["suite"])
    return in_order(found)


def scored_records(spec: Mapping[str, Any], suite: str) -> Iterator[dict[str, Any]]:
    """The joined records of one score job."""
    draws = floor_draws(planned_entries(spec))
    for run in planned_scores(spec):
        record = records.last(run.folder / RUN, "record")
        if record is None:
            raise BadInput(f"{run.folder}: has no valid run record; run `bench verify --prune` and start again")
        code = score_hash(spec, draws[run.key], run)
        yield {"suite": suite, **record, "score": _score(run.folder, record, code)}


def _score(folder: Path, record: Mapping[str, Any], code: str) -> dict[str, Any] | None:
    if record["status"] != "ok":
        return None
    found = records.last(folder / SCORE, "score", answer_sha256=record["answer_sha256"], score_hash=code)
    if found is None:
        raise BadInput(f"{folder}: its answer has no score by this code; run `bench verify --prune` and start again")
    return found


def long_table(joined: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per unit, method and metric (one row without metric where there is no score)."""
    return pd.DataFrame([row for record in joined for row in _rows(record)])


def _rows(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    plain = {name: value for name, value in record.items() if not isinstance(value, dict | list)}
    plain |= {f"passes_{kind}": count for kind, count in (record["passes"] or {}).items()}
    plain |= {"protections": " ".join(record["protections"]), "cpu": record["hardware"]["cpu"]}
    plain.pop("score", None)
    metrics = (record["score"] or {}).get("metrics") or {None: dict.fromkeys(("version", "value", "floor", "ceiling"))}
    for metric, values in metrics.items():
        names = {"metric": metric, "metric_version": values["version"]}
        yield plain | names | {name: values[name] for name in ("value", "floor", "ceiling")}


def in_order(joined: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(joined, key=lambda record: tuple(record[name] for name in ORDER))


def collect(
    document: Mapping[str, Any], catalogue: Mapping[str, Any], folder: Path, submitted: Iterable[dict[str, Any]] = ()
) -> None:
    """Write `records.jsonl`, `scores.parquet`, `catalogue.json` and `pictures/` of a suite; `submitted` are joined
    records of submissions, whose cards stand in the catalogue."""
    joined = in_order([*joined_records(document), *submitted])
    write_atomically(folder / "records.jsonl", "".join(records.line(record) for record in joined))
    records.write_json(folder / "catalogue.json", catalogue)
    long_table(joined).to_parquet(folder / "scores.parquet", index=False)
    pictures.draw(document, folder)
