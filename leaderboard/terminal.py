"""The tables as plain text, for the terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from leaderboard import notation, plots
from leaderboard.tables import GateResult, MutantResult, Row, Tables, TrackTable
from leaderboard.views import dropped_groups, failure_groups, shown_columns

GAP = "  "
LEFT = ("rank", "method", "control", "mutant", "gates", "status", "reason", "parent", "verdict")
LONGEST_REASON = 100
Line = Sequence[str]


def print_tables(tables: Tables) -> None:
    """Print one block per track and board: methods by rank, controls, mutants, failures and units taken off."""
    for text in lines(tables):
        print(text)


def lines(tables: Tables) -> Iterator[str]:
    """The lines that `print_tables` prints."""
    yield f"InterpBench, suite {tables.suite}: {tables.n_records:,} records ({_counts(tables)})"
    for table in tables.tracks:
        yield from _board(table)


def _counts(tables: Tables) -> str:
    return ", ".join(f"{count:,} {status}" for status, count in sorted(tables.statuses.items(), key=lambda x: -x[1]))


def _board(table: TrackTable) -> Iterator[str]:
    title = f"{notation.printable(table.title)} ({table.track}), {table.board} board"
    yield from ("", title, "=" * width(title))
    yield from filter(None, [_explanation(table), notation.printable(table.note)])
    yield from _rows(table, "method", table.methods)
    yield from _rows(table, "control", table.controls)
    yield from _mutants(table.mutant_results)
    yield from _failures(table)
    for reason, units in dropped_groups(table):
        yield f"taken off for all methods: {len(units)} units ({_short(reason)})"


def _explanation(table: TrackTable) -> str:
    if not plots.has_score(table):
        return "No score is formed here; each task shows its metric as measured, ± half of the 95 % interval."
    return f"Score: {table.headline['title']}, 0 is the floor and 1 the ceiling, ± half of the 95 % interval."


def _rows(table: TrackTable, kind: str, rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    scored, columns = plots.has_score(table), shown_columns(table)
    head = ["rank", kind, *(["score"] if scored else []), *(column.task for column in columns)]
    body = [
        [
            notation.rank(row) if kind == "method" else "",
            row.method,
            *([notation.estimate(row.score)] if scored else []),
            *(notation.estimate(plots.score_of(row, column)) for column in columns),
            notation.coverage(row),
            notation.cost(row.cost),
            "; ".join(_gate(table, result) for result in row.gates) if kind == "method" else "",
        ]
        for row in rows
    ]
    yield from aligned([*head, "coverage", "cost", "gates"], body)


def _gate(table: TrackTable, result: GateResult) -> str:
    return f"{notation.verdict(result)}: {notation.gate(result, table.metrics[result.metric]['title'])}"


def _mutants(results: Sequence[MutantResult]) -> Iterator[str]:
    if results:
        body = [
            [
                result.mutant,
                result.parent,
                notation.estimate(result.difference),
                f"{result.units}",
                f"{result.verdict.replace('does not lose', 'DOES NOT LOSE')} {result.reason}".rstrip(),
            ]
            for result in results
        ]
        yield from aligned(["mutant", "parent", "mutant minus parent", "units", "verdict"], body)


def _failures(table: TrackTable) -> Iterator[str]:
    groups = [group for row in table.rows for group in failure_groups(row.failures)]
    if groups:
        body = [[g.first.method, g.first.status, f"{len(g.units)}", _short(g.first.reason)] for g in groups]
        yield from aligned(["method", "status", "units", "reason"], body)


def _short(reason: str) -> str:
    text = " ".join(notation.printable(reason).split())
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]} …"


def aligned(head: Line, body: Sequence[Line]) -> Iterator[str]:
    """A blank line, the heads, a rule and the rows; words stand left, numbers right; empty columns are left out."""
    kept = [i for i in range(len(head)) if any(row[i] for row in body)]
    table = [[row[i] for i in kept] for row in (head, *body)]
    widths = [max(map(width, column)) for column in zip(*table, strict=True)]
    left = [head[i] in LEFT for i in kept]
    for number, row in enumerate(table):
        cells = [_pad(text, size, to_left) for text, size, to_left in zip(row, widths, left, strict=True)]
        yield from ([""] if number == 0 else [])
        yield GAP.join(cells).rstrip()
        yield from ([GAP.join("-" * size for size in widths)] if number == 0 else [])


def _pad(text: str, size: int, to_left: bool) -> str:
    space = " " * (size - width(text))
    return text + space if to_left else space + text


def width(text: str) -> int:
    """Columns that a text takes in a terminal: two for wide East Asian signs, none for combining ones."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )
