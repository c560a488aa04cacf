"""The page: one folder that opens from disk, a pure function of the records and the catalogue."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from bench.core.collecting import ORDER, long_table
from bench.core.records import write_atomically
from leaderboard import notation, pictures, plots, tables, views

ASSETS = ("page.css", "page.js", "picture.js")
NUMBERS = (
    "number", "interval", "estimate", "rank", "cost", "memory", "seconds", "pass_lines", "coverage", "shortest",
    "printable",
)  # fmt: skip
QUESTIONS = (
    "board_id", "record_page", "unit_id", "scale", "shown_columns", "cost_plots", "live_instances", "shown_metrics",
    "unit_metrics", "failure_groups", "dropped_groups", "filter_choices", "references", "task_page", "hidden_score",
    "has_gaps", "tier_note", "on_board",
)  # fmt: skip
SHOWN_LOG = 3000  # characters of a log on the board's page; the record page shows more


def build(records: Path, catalogue: Path, out: Path) -> None:
    """Write the page of `records.jsonl` and `catalogue.json` to a folder.

    It holds `index.html`, `records/`, `tasks/`, `pictures/`, `assets/`, and everything for download: `records.jsonl`,
    `scores.parquet` and `catalogue.json`. Pictures of units are taken from the folder `pictures`
    beside the records. The same files give the same bytes, whatever the order of the records. Pages of an earlier
    build that nothing stands for any more are removed.
    Raises `BadInput` where a file is malformed.
    """
    shown, drawn = tables.load(records, catalogue), pictures.load(records.parent / "pictures")
    made = dict(_pages(shown, drawn))
    for name, text in made.items():
        write_atomically(out / name, text)
    for folder in ("records", "tasks", "pictures"):
        _remove_other_pages(out / folder, {Path(name).name for name in made if name.startswith(f"{folder}/")})
    write_atomically(out / "records.jsonl", sorted_lines(records))
    write_atomically(out / "catalogue.json", catalogue.read_text())
    long_table(tables.read_joined(records)).to_parquet(out / "scores.parquet", index=False)
    _copy_assets(out / "assets")


def _pages(shown: tables.Tables, drawn: pictures.Drawn) -> Iterator[tuple[str, str]]:
    """Path and text of every page."""
    templates = environment()
    yield "index.html", templates.get_template("index.html").render(tables=shown, pictures=drawn, root="")
    one = templates.get_template("records.html")
    for table in shown.tracks:
        for row in table.rows:
            text = one.render(tables=shown, table=table, row=row, pictures=drawn, root="../")
            yield views.record_page(table, row.method), text
    task_page = templates.get_template("task.html")
    for table in shown.tracks:
        for column in table.tasks:
            yield views.task_page(table, column.task), task_page.render(table=table, column=column, root="../")
    picture_page = templates.get_template("picture.html")
    homes = {table.track: table for table in shown.tracks[::-1]}
    for picture in drawn.values():
        others = [other for other in drawn.values() if other.track == picture.track and other != picture]
        home = homes[picture.track]
        text = picture_page.render(
            picture=picture, others=others, home=views.board_id(home), title=home.title, root="../"
        )
        yield picture.page, text


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


def environment() -> jinja2.Environment:
    """Templates with everything escaped, no invisible characters, and an error for a name that does not exist."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("leaderboard"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, finalize=without_tricks,
    )  # fmt: skip
    for name in NUMBERS:
        made.filters[name] = getattr(notation, name)
    made.filters |= {
        "breakable": breakable,
        "json_script": json_script,
        "statuses": views.statuses,
        "task_of": views.task_of,
    }
    made.globals |= {name: getattr(views, name) for name in QUESTIONS}
    made.globals["first_picture"] = pictures.first_picture
    made.globals |= {"plots": plots, "gate": notation.gate, "verdict": notation.verdict, "SHOWN_LOG": SHOWN_LOG}
    return made


def without_tricks(value: Any) -> Any:
    """Any text that a template writes, with characters that hide or reorder text shown as codes."""
    return notation.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def json_script(value: Any) -> Markup:
    """JSON that may stand inside a script element: sorted, and without the signs that could end the element."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def breakable(name: str) -> Markup:
    """An id that may break after its underscores, so that it fits a phone."""
    return Markup("_<wbr>").join(name.split("_"))
