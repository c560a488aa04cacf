"""The page: one folder that opens from disk, a pure function of the records and the catalogue."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from bench.core.collecting import ORDER
from bench.core.contract import BadInput
from bench.core.records import write_atomically
from bench.core.statistics import Estimate
from leaderboard import notation, plots, tables
from leaderboard.tables import Failure, Row, Tables, TaskColumn, TrackTable, UnitRecord

SAFE_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
ASSETS = ("page.css", "page.js")
SHOWN_LOG = 3000  # characters of a log on the board's page; the record page shows more


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


def build(records: Path, catalogue: Path, out: Path) -> None:
    """Write the page of `records.jsonl` and `catalogue.json` to a folder: `index.html`, `records/`, `assets/`.

    The same records give the same bytes, whatever the order of their lines. Pages of an earlier build that no row has
    any more are removed. Raises `BadInput` where a file is malformed.
    """
    shown = tables.load(records, catalogue)
    made = {"index.html": _render("index.html", tables=shown, root="")}
    for table in shown.tracks:
        for row in table.rows:
            made[record_page(table, row.method)] = _render("records.html", tables=shown, table=table, row=row, root="../")
    for name, text in made.items():
        write_atomically(out / name, text)
    _remove_other_pages(out / "records", {Path(name).name for name in made})
    write_atomically(out / "records.jsonl", sorted_lines(records))
    _copy_assets(out / "assets")


def sorted_lines(records: Path) -> str:
    """The records as they are, in the order of `collect`."""
    lines = [(json.loads(line), line) for line in records.read_text().splitlines() if line.strip()]
    lines.sort(key=lambda pair: ([pair[0][name] for name in ORDER], pair[1]))
    return "".join(f"{line}\n" for _, line in lines)


def _remove_other_pages(folder: Path, kept: set[str]) -> None:
    for path in folder.glob("*.html"):
        if path.name not in kept:
            path.unlink()


def _copy_assets(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ASSETS:
        write_atomically(folder / name, (resources.files("leaderboard") / "assets" / name).read_text())
    with resources.as_file(resources.files("plotly") / "package_data" / "plotly.min.js") as script:
        shutil.copyfile(script, folder / "plotly.min.js")


def _render(template: str, **context: Any) -> str:
    return environment().get_template(template).render(**context)


def environment() -> jinja2.Environment:
    """Templates with everything escaped, and an error for a name that does not exist."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("leaderboard"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    for name in ("number", "interval", "estimate", "rank", "cost", "memory", "seconds", "passes", "coverage", "printable"):
        made.filters[name] = getattr(notation, name)
    made.filters |= {"words": tokens, "json_script": json_script, "shortest": shortest, "statuses": statuses, "task_of": task_of}
    made.globals |= {
        "record_page": record_page, "board_id": board_id, "unit_id": unit_id, "scale": scale, "gate": notation.gate,
        "verdict": notation.verdict, "failure_groups": failure_groups, "dropped_groups": dropped_groups,
        "cost_plots": cost_plots, "instance_figure": plots.instance_figure, "panel_height": plots.panel_height,
        "has_score": plots.has_score, "shown_columns": shown_columns, "score_of": plots.score_of,
        "unit_metrics": unit_metrics, "filter_choices": filter_choices, "references": references,
        "shown_metrics": shown_metrics, "live_instances": live_instances, "SHOWN_LOG": SHOWN_LOG,
    }  # fmt: skip
    return made


# ---- names: file names, element ids, links ---------------------------------------------------------------------


def board_id(table: TrackTable) -> str:
    return _safe(f"{table.track}-{table.board}")


def record_page(table: TrackTable, method: str) -> str:
    """Path of a method's records on a board, from the folder of the page."""
    return f"records/{_safe(f'{table.track}-{table.board}-{method}')}.html"


def unit_id(key: str) -> str:
    """Element id of a unit (`task-v1/instance/seed`) or of an instance (`task/instance`)."""
    return _safe(key.replace("/", "."))


def _safe(name: str) -> str:
    if not SAFE_NAME.match(name):
        raise BadInput(f"records: {name!r} cannot name a file; ids of tracks and methods are letters, digits and _")
    return name


def tokens(*values: str) -> str:
    """Values as one attribute that the filter can split at spaces."""
    return " ".join(value.replace(" ", "-") for value in values)


def json_script(value: Any) -> Markup:
    """JSON that may stand inside a script element: sorted, and without the signs that could end the element."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - every sign that HTML reads is replaced above


def task_of(key: str) -> str:
    """Task of a unit (`task-v1/instance/seed`) or of a pair (`task/instance`)."""
    return re.sub(r"-v[0-9]+$", "", key.split("/")[0])


def shortest(value: str | None) -> str:
    """The first twelve digits of a hash; the records hold all of it."""
    return notation.NOTHING if value is None else value[:12]


# ---- what the templates ask of a table -------------------------------------------------------------------------


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
        drawn = [(f"plot-{name}-{column.task}-cost", column.title, plots.cost_figure(table, column)) for column in table.tasks]
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
