"""Records to tables: what the page and the terminal show, as plain frozen data.

`load` is a pure function of `records.jsonl` and `catalogue.json`, whatever the order of the lines. The rules
(docs/statistics.md): gates before ranks; a task's score is a ratio of means; a track's score is the mean over its
tasks on one board; null units feed gates and never a mean; a failed unit never beats a bad answer; a unit that was
skipped for one method is taken off for all.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.core import records as core_records
from bench.core import statistics
from bench.core.contract import BadInput
from leaderboard import scores
from leaderboard.entries import (
    Failure,
    GateResult,
    MutantResult,
    Row,
    Tables,
    TaskColumn,
    TaskScore,
    TrackTable,
    UnitRecord,
    Value,
)
from leaderboard.units import Board, relative_cost, unit_of

__all__ = [
    "Failure",
    "GateResult",
    "MutantResult",
    "Row",
    "Tables",
    "TaskColumn",
    "TaskScore",
    "TrackTable",
    "UnitRecord",
    "Value",
    "load",
]

BOARDS = ("truth", "proxy")
ORDER = ("track", "method", "task", "instance", "seed")
STANDING = ("ranked", "not resolvable", "gated", "unranked")
REMEDY = "run `bench verify --prune` and start again"


def load(records: Path, catalogue: Path) -> Tables:
    """The tables of `records.jsonl` under `catalogue.json`. Raises `BadInput` where either is malformed."""
    return build(read_joined(Path(records)), core_records.read_json(Path(catalogue)))


def best_first(track: str, results: Path) -> list[str]:
    """Methods of a track as they stand on its newest truth board below a results folder; none where there is none."""
    for folder in sorted({path.parent for path in results.glob("*/records.jsonl")}, key=_newest_first):
        found = [record for record in read_joined(folder / "records.jsonl") if record["track"] == track]
        if found:
            boards = build(found, core_records.read_json(folder / "catalogue.json")).tracks
            return [row.method for row in boards[0].methods]
    return []


def _newest_first(folder: Path) -> float:
    return -(folder / "records.jsonl").stat().st_mtime


def read_joined(path: Path) -> list[dict[str, Any]]:
    """The joined records in their order by name. Raises `BadInput` with the line that is malformed or private."""
    _refuse_private(path)
    found = []
    for number, text in enumerate(path.read_text().splitlines(), 1):
        try:
            record = json.loads(text)
            run = {name: value for name, value in record.items() if name not in ("suite", "score")}
            core_records.check(run, "record")
            if record["score"] is not None:
                core_records.check(record["score"], "score")
            record["suite"]
        except (ValueError, KeyError, TypeError, AttributeError, BadInput) as error:
            raise BadInput(f"{path}: line {number} is not a joined record ({error}); {REMEDY}") from error
        found.append(record)
    return sorted(found, key=lambda record: tuple(record[name] for name in ORDER))


def _refuse_private(path: Path) -> None:
    """Raise `BadInput` where a line says that it is private, whatever else it holds: a page is for everybody."""
    for number, text in enumerate(path.read_text().splitlines(), 1):
        try:
            record = json.loads(text)
        except ValueError:
            continue  # `read_joined` names it
        if isinstance(record, dict) and record.get("private", False) is not False:
            raise BadInput(f"{path}: line {number} is marked private; take private results out before a page is built")


def build(records: list[dict[str, Any]], catalogue: Mapping[str, Any]) -> Tables:
    """The tables of joined records (in order) under a catalogue."""
    _refuse(records, catalogue)
    tracks = tuple(
        table
        for track in sorted({record["track"] for record in records})
        for table in track_tables(track, catalogue["tracks"][track], [r for r in records if r["track"] == track])
    )
    return Tables(
        suite=records[0]["suite"],
        tracks=tracks,
        datasets=dict(sorted(catalogue["datasets"].items())),
        problems=tuple(failure(record) for record in records if record["status"] != "ok"),
        n_records=len(records),
        statuses=dict(sorted(Counter(record["status"] for record in records).items())),
        hardware=tuple(sorted({describe_hardware(record["hardware"]) for record in records})),
        versions=_versions(records),
        protections=tuple(sorted({tuple(record["protections"]) for record in records})),
        submissions=tuple(sorted(catalogue.get("submissions", ()), key=lambda entry: entry["name"])),
    )


def _refuse(records: list[dict[str, Any]], catalogue: Mapping[str, Any]) -> None:
    """Raise `BadInput` on no records, several suites, a unit that stands twice, or what the catalogue lacks."""
    if not records:
        raise BadInput("records.jsonl: holds no record; run the suite before its page is built")
    suites = sorted({record["suite"] for record in records})
    if len(suites) > 1:
        raise BadInput(f"records.jsonl: suites {' and '.join(suites)} are never merged in one table; collect one")
    counts = Counter((record["track"], record["method"], unit_of(record).key) for record in records)
    twice = [" ".join(name) for name, count in counts.items() if count > 1]
    if twice:
        raise BadInput(f"records.jsonl: {twice[0]} stands there {counts.most_common(1)[0][1]} times; {REMEDY}")
    for record in records:
        track = catalogue["tracks"].get(record["track"], {})
        for kind, name in ((f"{record['kind']}s", record["method"]), ("tasks", record["task"])):
            if name not in track.get(kind, {}):
                raise BadInput(f"catalogue.json: lacks {record['track']}/{kind}/{name}; run `bench collect` again")


def describe_hardware(hardware: Mapping[str, Any]) -> str:
    gpu = f", {hardware['gpu']}" if hardware["gpu"] else ""
    memory = hardware["memory_bytes"] / 2**30
    return f"{hardware['cpu']}, {hardware['cores']} cores, {memory:.0f} GiB{gpu}, {hardware['platform']}"


def _versions(records: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for record in records:
        for name, version in record["versions"].items():
            found.setdefault(name, set()).add(version)
    return {name: tuple(sorted(versions)) for name, versions in sorted(found.items())}


def failure(record: Mapping[str, Any]) -> Failure:
    return Failure(
        record["track"], record["method"], record["kind"], unit_of(record).key, record["status"], record["reason"],
        record["log_tail"],
    )  # fmt: skip


# -- one track ------------------------------------------------------------------------------------------------------


def track_tables(track: str, card: Mapping[str, Any], records: list[dict[str, Any]]) -> list[TrackTable]:
    """One table per board that has records. Gates of either board hold on both: who makes things up where the truth
    is known is not ranked where it is not."""
    found = {name: [record for record in records if record["board"] == name] for name in BOARDS}
    boards = {name: Board.of(name, card, mine) for name, mine in found.items() if mine}
    return [board_table(track, name, boards) for name in boards]


def board_table(track: str, name: str, boards: Mapping[str, Board]) -> TrackTable:
    board = boards[name]
    card, tasks = board.track, task_columns(board)
    headline, null_headline = board.headline() or "", board.headline(null=True)
    methods, note = ranked([make_row(solver, name, boards) for solver in board.solvers("method")], board)
    results = [scores.mutant_result(board, mutant) for mutant in board.solvers("mutant")]
    return TrackTable(
        track=track, title=card["title"], family=card["family"], description=card["description"], board=name,
        replicate=card["replicate"], headline=board.metrics[headline],
        null_headline=board.metrics[null_headline] if null_headline else None, metrics=board.metrics, tasks=tasks,
        methods=methods,
        controls=tuple(make_row(solver, name, boards) for solver in board.solvers("control")),
        mutants=tuple(make_row(solver, name, boards) for solver in board.solvers("mutant")),
        mutant_results=tuple(result for result in results if result is not None),
        dropped=tuple((unit.key, reason) for unit, reason in board.dropped.items()), note=note,
    )  # fmt: skip


def task_columns(board: Board) -> tuple[TaskColumn, ...]:
    return tuple(_column(board, task) for task in sorted({unit.task for unit in board.all_units}))


def _column(board: Board, task: str) -> TaskColumn:
    card, metric = board.track["tasks"][task], board.column_metric(task)
    here = {unit.instance for unit in board.all_units if unit.task == task}
    instances = tuple((i["id"], i.get("title", i["id"]), i["null"]) for i in card["instances"] if i["id"] in here)
    return TaskColumn(
        task=task, title=card["title"], instances=instances, seed_changes=card["seed_changes"],
        replayable=card["seed_changes"] == "nothing", raw=board.is_raw(task), metric=metric,
        metric_title=board.metrics[metric]["title"], direction=board.metrics[metric]["direction"],
        units=len(scores.live(board, task)), card=card,
    )  # fmt: skip


# -- one row --------------------------------------------------------------------------------------------------------


def make_row(solver: str, name: str, boards: Mapping[str, Board]) -> Row:
    """A row before ranking: `ranked` stands for "may be ranked"."""
    board = boards[name]
    kind, card = board.kinds[solver], board.track[f"{board.kinds[solver]}s"][solver]
    gates = gates_of(solver, name, boards)
    status, reason = standing(board, solver, card, gates)
    mine = [board.records[solver, unit] for unit in board.units if (solver, unit) in board.records]
    answered = any(record["status"] == "ok" for record in mine)
    present = solver in board.present and (kind == "method" or answered)  # what fails scores; a control need not
    cells = scores.track_cells(board, solver) if present else None
    tasks = sorted({unit.task for unit in board.units}) if present else []
    planned = len(board.units) if kind == "method" else len(mine)
    costs = [cost for cost in map(relative_cost, mine) if cost is not None]
    entries = board.entries(solver)
    return Row(
        method=solver, title=card["title"], kind=kind, status=status, reason=reason,
        score=cells.estimate() if cells else None, rank=None, gates=gates,
        coverage=(sum(record["status"] == "ok" for record in mine), planned),
        cost=sum(costs) / len(costs) if costs else None,
        cpu_seconds=sum(entry.cpu_seconds for entry in entries),
        wall_seconds=sum(entry.wall_seconds for entry in entries),
        peak_memory_bytes=max((entry.peak_memory_bytes for entry in entries), default=0),
        passes=_passes(entries),
        tasks={task: scores.task_score(board, solver, task) for task in tasks},
        instances={task: scores.instance_scores(board, solver, task) for task in tasks},
        failures=_failures(board, solver), records=entries, card=card,
    )  # fmt: skip


def gates_of(solver: str, name: str, boards: Mapping[str, Board]) -> tuple[GateResult, ...]:
    """Every gate of the track on every board where a unit tests it, this board first; untested ones once."""
    order = [board for board in sorted(boards, key=lambda other: other != name) if solver in boards[board].present]
    found = []
    for metric in scores.gated_metrics(boards[name]):
        results = [scores.gate_result(boards[board], board, solver, metric) for board in order]
        tested = [result for result in results if result.passed is not None]
        found += tested or [scores.untested(boards[name], name, metric)]
    return tuple(found)


def standing(board: Board, solver: str, card: Mapping[str, Any], gates: Iterable[GateResult]) -> tuple[str, str]:
    """Status and reason: what keeps a row from being ranked, gates first."""
    if board.kinds[solver] != "method":
        return "unranked", f"a {board.kinds[solver]}"
    if solver in board.absent:
        return "unranked", f"skipped on every unit: {board.absent[solver]}"
    for gate in gates:
        if gate.passed is False and gate.value is not None:
            word = "above" if gate.direction == "lower" else "below"
            title = board.metrics[gate.metric]["title"]
            return "gated", f"{title} {gate.value.mean:.3g} is {word} {gate.limit:g} on the {gate.board} board"
    if card.get("unranked"):
        return "unranked", card["unranked"]
    if not scores.scored_tasks(board):
        return "unranked", unscored(board)
    return "ranked", ""


def unscored(board: Board) -> str:
    """Why a board without a scored task has no scores and no ranks."""
    if not scores.live(board):
        return "no live unit is left to score"
    return "raw scores only, which are not averaged and not ranked: no task here has a floor and a ceiling"


def _passes(entries: Iterable[UnitRecord]) -> dict[str, int] | None:
    counted = [entry.passes for entry in entries if entry.passes is not None]
    return {kind: sum(p.get(kind, 0) for p in counted) for kind in sorted(set().union(*counted))} if counted else None


def _failures(board: Board, solver: str) -> tuple[Failure, ...]:
    mine = [board.records[solver, unit] for unit in board.all_units if (solver, unit) in board.records]
    return tuple(failure(record) for record in mine if record["status"] != "ok")


# -- ranks ----------------------------------------------------------------------------------------------------------


def ranked(rows: list[Row], board: Board) -> tuple[tuple[Row, ...], str]:
    """Rows with rank intervals, best first, and a note where the board ranks nothing."""
    eligible = [row for row in rows if row.status == "ranked"]
    cells = {row.method: scores.track_cells(board, row.method) for row in eligible}
    scored = {method: weighted for method, weighted in cells.items() if weighted is not None}
    weights = next(iter(scored.values())).weights if scored else None
    ranking = statistics.rank({method: weighted.cells for method, weighted in scored.items()}, weights)
    done = [_with_rank(row, ranking) if row.status == "ranked" else row for row in rows]
    note = "" if scores.scored_tasks(board) else unscored(board)
    return tuple(sorted(done, key=_order)), note or (ranking.reason if eligible else "")


def _with_rank(row: Row, ranking: statistics.Ranking) -> Row:
    if row.method in ranking.intervals:
        return replace(row, rank=ranking.intervals[row.method])
    return replace(row, status="not resolvable", reason=ranking.reason)


def _order(row: Row) -> tuple[int, float, str]:
    return STANDING.index(row.status), -row.score.mean if row.score else float("inf"), row.method
