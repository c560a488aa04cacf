"""What the page's templates ask of the tables: names of files and elements, choices of the filter, groups, scales."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.core.contract import BadInput
from bench.core.statistics import Estimate
from leaderboard import plots
from leaderboard.tables import Failure, Row, Tables, TaskColumn, TrackTable, UnitRecord

SAFE_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")


@dataclass(frozen=True)
class FailureGroup:
    """Units of one method that failed in the same way; the first stands for their logs."""

    first: Failure
    units: tuple[str, ...]


@dataclass(frozen=True)
class Scale:
    """Places on a bar that stands for the range `low` to `high`, in percent of its length."""

    low: float
    high: float

    def place(self, value: float) -> str:
        return f"{100 * min(1.0, max(0.0, (value - self.low) / (self.high - self.low))):.2f}%"

    def length(self, estimate: Estimate) -> str:
        start, end = (float(self.place(value)[:-1]) for value in (estimate.low or 0.0, estimate.high or 0.0))
        return f"{end - start:.2f}%"


def board_id(table: TrackTable) -> str:
    return safe_name(f"{table.track}-{table.board}")


def record_page(table: TrackTable, method: str) -> str:
    """Path of a method's records on a board, from the folder of the page."""
    return f"records/{safe_name(f'{table.track}-{table.board}-{method}')}.html"


def task_page(table: TrackTable, task: str) -> str:
    """Path of a task's page, from the folder of the page."""
    return f"tasks/{safe_name(f'{table.track}-{task}')}.html"


def unit_id(key: str) -> str:
    """Element id of a unit (`task-v1/instance/seed`) or of an instance (`task/instance`)."""
    return safe_name(key.replace("/", "."))


def safe_name(name: str) -> str:
    if not SAFE_NAME.match(name):
        raise BadInput(f"records: {name!r} cannot name a file; ids of tracks and methods are letters, digits and _")
    return name


def tokens(*values: str) -> str:
    """Values as one attribute that the filter can split at spaces."""
    return " ".join(value.replace(" ", "-") for value in values)


def task_of(key: str) -> str:
    """Task of a unit (`task-v1/instance/seed`) or of a pair (`task/instance`)."""
    return re.sub(r"-v[0-9]+$", "", key.split("/")[0])


def scale(table: TrackTable, column: TaskColumn | None) -> Scale:
    """One scale for all bars of a board or task: every interval, and 0 and 1 where scores are normalised."""
    found = [plots.score_of(row, column) for row in table.methods + table.controls]
    return Scale(*plots.bounds(found, () if column is not None and column.raw else (0, 1)))


def shown_columns(table: TrackTable) -> tuple[TaskColumn, ...]:
    """The tasks that need a column: none where the only task is the score itself."""
    if len(table.tasks) == 1 and plots.has_score(table):
        return ()
    return table.tasks


def cost_plots(table: TrackTable) -> list[tuple[str, str, dict[str, Any]]]:
    """Element id, title and figure: the board's score against cost, or each task's where the board has no score."""
    name = board_id(table)
    if plots.has_score(table):
        drawn = [(f"plot-{name}-cost", table.title, plots.cost_figure(table))]
    else:
        drawn = [(f"plot-{name}-{task.task}-cost", task.title, plots.cost_figure(table, task)) for task in table.tasks]
    return [(identity, title, figure) for identity, title, figure in drawn if figure is not None]


def live_instances(column: TaskColumn) -> list[tuple[str, str]]:
    return [(instance, title) for instance, title, null in column.instances if not null]


def shown_metrics(table: TrackTable, column: TaskColumn) -> list[str]:
    """Metrics that any row has on a task, in the order of their cards."""
    present = {metric for row in table.rows if column.task in row.tasks for metric in row.tasks[column.task].metrics}
    return [metric for metric in table.metrics if metric in present]


def unit_metrics(table: TrackTable, records: Sequence[UnitRecord]) -> list[str]:
    """Metrics that any of these units has, in the order of their cards."""
    return [metric for metric in table.metrics if any(metric in record.metrics for record in records)]


def failure_groups(row_failures: Sequence[Failure]) -> list[FailureGroup]:
    """Failures of one method with the same status and reason together, in order of their first unit."""
    groups: dict[tuple[str, ...], list[Failure]] = {}
    for failure in row_failures:
        groups.setdefault((failure.method, failure.status, failure.reason), []).append(failure)
    return [FailureGroup(group[0], tuple(one.unit for one in group)) for group in groups.values()]


def dropped_groups(table: TrackTable) -> list[tuple[str, list[str]]]:
    """Units that were taken off for all methods, by reason."""
    groups: dict[str, list[str]] = {}
    for unit, reason in table.dropped:
        groups.setdefault(reason, []).append(unit)
    return list(groups.items())


def statuses(row: Row) -> str:
    """What the status filter matches in a row: its standing on the board and every status of its units."""
    return tokens(row.status, *sorted({record.status for record in row.records}))


def filter_choices(shown: Tables) -> Mapping[str, list[str]]:
    """The values that the page's filter offers."""
    rows = [row for table in shown.tracks for row in table.rows]
    standing = {row.status.replace(" ", "-") for row in rows if row.kind == "method"}
    return {
        "kind": [kind for kind in ("method", "control", "mutant") if any(row.kind == kind for row in rows)],
        "status": sorted(standing) + sorted(set(shown.statuses) - standing),
        "task": sorted({column.task for table in shown.tracks for column in table.tasks}),
    }


# -- submissions ----------------------------------------------------------------------------------------------------


def hidden_score(entry: Mapping[str, Any], name: str) -> Estimate | None:
    """`public`, `hidden` or `gap` of a submission's verification, None where it has none."""
    found = ((entry["verification"] or {}).get("scores") or {}).get(name)
    return None if found is None else Estimate(error=None, df=None, **found)


def has_gaps(table: TrackTable) -> bool:
    """Whether a row of a board was verified, so that the column of the gap says something."""
    return any((row.card.get("submission") or {}).get("verification") for row in table.methods)


def tier_note(entry: Mapping[str, Any]) -> str:
    """What a tier rests on, in a sentence's middle: the reason, or the round and the tasks without a hidden score."""
    verification = entry["verification"]
    if verification is None:
        return entry["reason"]
    state = "key revealed" if verification["revealed"] else "key not revealed yet"
    notes = [entry["reason"], f"round {verification['round']}, {state}"]
    notes += [f"{task}: no hidden score, {reason}" for task, reason in sorted(verification["without"].items())]
    return "; ".join(filter(None, notes))


def on_board(shown: Tables, entry: Mapping[str, Any]) -> list[TrackTable]:
    """The boards on which a submission has a row."""
    return [table for table in shown.tracks if any(row.method == entry["name"] for row in table.methods)]


def references(shown: Tables) -> list[tuple[str, str]]:
    """Reference and the ids that cite it, over all methods, metrics and data sets of the suite's catalogue."""
    cited: dict[str, set[str]] = {}
    for name, reference in _cited(shown):
        if isinstance(reference, str) and reference.strip():
            cited.setdefault(" ".join(reference.split()), set()).add(name)
    return [(reference, ", ".join(sorted(names))) for reference, names in sorted(cited.items())]


def _cited(shown: Tables) -> Iterator[tuple[str, Any]]:
    for table in shown.tracks:
        yield from ((row.method, row.card.get("reference")) for row in table.rows)
        yield from ((name, card.get("reference")) for name, card in table.metrics.items())
    yield from ((name, card.get("citation")) for name, card in shown.datasets.items())
